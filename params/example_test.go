package params_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"

	"github.com/apiroutes/apiroutes/params"
)

// A plain handler of net/http reads typed values as one with a Context does.
func ExampleInt() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/user/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := params.Int(r, "id")
		var public interface {
			StatusCode() int
			PublicMessage() string
		}
		if errors.As(err, &public) {
			http.Error(w, public.PublicMessage(), public.StatusCode())
			return
		}
		fmt.Fprintln(w, "user", id)
	})
	for _, target := range []string{"/api/user/7", "/api/user/seven"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 user 7
	// 400 path parameter "id" must be an integer of at most 64 bits, not "seven"
}

func ExampleParse() {
	r := httptest.NewRequest("GET", "/api/host/::1", nil)
	r.SetPathValue("addr", "::1") // as a router does

	addr, err := params.Parse(r, "addr", netip.ParseAddr)
	fmt.Println(addr.IsLoopback(), err)
	// Output: true <nil>
}

func ExampleQueryInt() {
	const firstPage = 1
	for _, target := range []string{"/api/users?page=3", "/api/users", "/api/users?page=", "/api/users?page=2&page=3"} {
		page, err := params.QueryInt(httptest.NewRequest("GET", target, nil), "page", firstPage)
		fmt.Println(page, err)
	}
	// Output:
	// 3 <nil>
	// 1 <nil>
	// 0 query parameter "page" is empty: it must be an integer of at most 64 bits
	// 0 query parameter "page" is given 2 times: give it once
}

func ExampleQueryAll() {
	r := httptest.NewRequest("GET", "/api/users?id=7&sort=name&id=3", nil)
	ids, err := params.QueryAll(r, "id", strconv.Atoi)
	fmt.Println(ids, err)
	// Output: [7 3] <nil>
}
