package middleware

import (
	"net/http"
	"strings"
)

// keepVary adds Origin to Vary unless it is there. It is called when the header
// goes out: what a middleware adds before it calls next is lost when a handler
// calls Header().Set, and afterwards is too late.
func keepVary(header http.Header) {
	vary := header["Vary"]
	for _, line := range vary {
		if line == "Origin" {
			return
		}
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.Trim(name, " \t"); name == "*" || strings.EqualFold(name, "Origin") {
				return
			}
		}
	}
	if len(vary) == 0 {
		header["Vary"] = varyOrigin
		return
	}
	header["Vary"] = append(vary[:len(vary):len(vary)], "Origin")
}

// varyOrigin is shared by all answers: its capacity is its length, so that an
// Add copies it.
var varyOrigin = []string{"Origin"}
