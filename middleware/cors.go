package middleware

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/internal/writer"
)

// CORS lets pages of other origins read answers: it writes the headers of the
// CORS protocol (https://fetch.spec.whatwg.org/#http-cors-protocol) and answers
// preflights. It panics if config has a mistake; see [CORSConfig.Validate].
//
//	r := apiroutes.New(middleware.CORS(middleware.CORSConfig{
//		Origins: []string{"https://app.example"},
//	}))
//
// It belongs in [apiroutes.New], or in the parent of all groups that share a
// pattern, and outside of every guard: a preflight carries no credentials, so
// that a guard would refuse it, and a page cannot read the 401 or 404 of an
// answer without the headers. Of two in one chain the outer answers preflights.
//
// An OPTIONS request with Origin and Access-Control-Request-Method is a
// preflight. It is answered here with 204, whether it is granted or not, and
// for each path, so that the request itself can tell a page of a 404 or 405.
// Any other OPTIONS goes through.
//
// CORS is no guard. A request from an origin that is not allowed is served, but
// without any of the headers, and the browser keeps the answer from the page.
// What such a page must not do is refused by a guard, or by
// [http.CrossOriginProtection].
//
// Vary names Origin in each answer, those without Origin in the request among
// them, and for "*" too: whether there are headers depends on it, and a cache
// must not give a page the answer that was meant for another one. It stays when
// a handler sets Vary, instead of adding to it. Errors keep the headers.
//
// The middleware is safe for concurrent use, and config is not used after the call.
func CORS(config CORSConfig) apiroutes.Middleware {
	if err := config.Validate(); err != nil {
		panic(err)
	}
	p := newCORSPolicy(config)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, next) })
	}
}

// corsPolicy is a valid configuration in use. rs/cors answers preflights; what
// it is too lenient with is kept from it: several values of one field, of which
// it checks one and allows all, and letter case, which it ignores in origins. The
// two or three headers of other answers are written here, for rs/cors allocates a
// line for a log that nobody has.
type corsPolicy struct {
	preflights *cors.Cors

	anyOrigin   bool
	origins     map[string]bool
	methods     []string
	exposed     []string // one value, or none
	credentials bool

	longestOrigin int
	longestNames  int  // of Access-Control-Request-Headers, all lines together
	anyButAuth    bool // Headers is "*" without Authorization
}

// corsNamesMax is the length of Access-Control-Request-Headers that is read at
// all, besides what the configured names themselves need.
const corsNamesMax = 4 << 10

func newCORSPolicy(c CORSConfig) *corsPolicy {
	methods := allowedMethods(c.Methods)
	p := &corsPolicy{
		longestNames: corsNamesMax, anyOrigin: slices.Contains(c.Origins, "*"), origins: map[string]bool{},
		methods: append(slices.Clip(methods), "OPTIONS"), credentials: c.Credentials,
	}
	for i, name := range c.ExposedHeaders {
		if name = http.CanonicalHeaderKey(name); i > 0 {
			name = p.exposed[0] + ", " + name
		}
		p.exposed = []string{name}
	}
	options := cors.Options{
		AllowedMethods:   methods,
		AllowedHeaders:   []string{"Content-Type"},
		AllowCredentials: c.Credentials,
		MaxAge:           int(c.MaxAge / time.Second),
	}
	if p.anyOrigin {
		options.AllowedOrigins = []string{"*"}
		p.longestOrigin = 4 << 10 // it is not looked at
	} else {
		for _, origin := range c.Origins {
			p.origins[origin] = true
			p.longestOrigin = max(p.longestOrigin, len(origin))
		}
		options.AllowOriginFunc = func(origin string) bool { return p.origins[origin] }
	}
	if slices.Contains(c.Headers, "*") {
		options.AllowedHeaders = []string{"*"}
		p.anyButAuth = len(c.Headers) == 1
	} else {
		options.AllowedHeaders = append(options.AllowedHeaders, c.Headers...)
	}
	for _, name := range options.AllowedHeaders {
		p.longestNames += len(name) + len(" , ")
	}
	p.preflights = cors.New(options)
	return p
}

// allowedMethods adds HEAD to GET, as the router does.
func allowedMethods(methods []string) []string {
	switch {
	case len(methods) == 0:
		return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
	case slices.Contains(methods, "GET"):
		return append(slices.Clone(methods), "HEAD")
	}
	return slices.Clone(methods)
}

func (p *corsPolicy) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	origin, method := r.Header["Origin"], r.Header["Access-Control-Request-Method"]
	readable := len(origin) == 1 && len(origin[0]) <= p.longestOrigin
	if r.Method == http.MethodOptions && len(origin) > 0 && len(method) > 0 {
		names, asked := r.Header["Access-Control-Request-Headers"]
		if readable && len(method) == 1 && method[0] != "" && (!asked || p.mayAskFor(names)) {
			p.preflights.HandlerFunc(w, r)
			return
		}
		w.Header()["Vary"] = append(w.Header()["Vary"], "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	keepVary(w.Header())
	if readable {
		p.allow(w.Header(), r.Method, origin)
	}
	shared, outermost := writer.Wrap(w)
	if outermost {
		defer shared.Close()
	}
	shared.BeforeHeader(keepVary)
	next.ServeHTTP(shared, r)
}

// allow writes the headers of an answer to a request that is no preflight, with
// one Origin.
func (p *corsPolicy) allow(header http.Header, method string, origin []string) {
	switch {
	case origin[0] == "" || !slices.Contains(p.methods, method):
		return
	case p.anyOrigin:
		header["Access-Control-Allow-Origin"] = corsStar
	case p.origins[origin[0]]:
		header["Access-Control-Allow-Origin"] = origin[:1:1]
	default:
		return
	}
	if p.exposed != nil {
		header["Access-Control-Expose-Headers"] = p.exposed
	}
	if p.credentials {
		header["Access-Control-Allow-Credentials"] = corsTrue
	}
}

// Values that all answers share: their capacity is their length, so that an Add
// copies them.
var (
	corsStar = []string{"*"}
	corsTrue = []string{"true"}
)

// mayAskFor decides on Access-Control-Request-Headers before rs/cors reads
// them, which expects a line if the field is there. The length is checked
// first: the work that a request can cause has a bound. "*" does not stand for
// Authorization, as in the Fetch standard
// (https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name).
func (p *corsPolicy) mayAskFor(lines []string) bool {
	length := 0
	for _, line := range lines {
		if length += len(line) + 1; length > p.longestNames {
			return false
		}
	}
	if len(lines) == 0 {
		return false
	}
	if !p.anyButAuth {
		return true
	}
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(name, " \t"), "Authorization") {
				return false
			}
		}
	}
	return true
}
