package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rs/cors"

	"github.com/apiroutes/apiroutes/middleware"
	"github.com/apiroutes/apiroutes/testutil"
)

func BenchmarkCORS(b *testing.B) {
	served := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200) })
	for name, h := range map[string]http.Handler{
		"ours":   middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}, Headers: []string{"X-A"}})(served),
		"rs":     cors.New(cors.Options{AllowedOrigins: []string{corsApp}, AllowedHeaders: []string{"X-A"}}).Handler(served),
		"rsfunc": cors.New(cors.Options{AllowOriginFunc: func(o string) bool { return o == corsApp }, AllowedHeaders: []string{"X-A"}}).Handler(served),
	} {
		for kind, edit := range map[string]testutil.Edit{"none": corsOrigin(), "request": corsOrigin(corsApp), "preflight": corsPreflight(corsApp, "GET", "x-a")} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				r := httptest.NewRequest("GET", "/", nil)
				edit(r)
				w := &corsCounter{header: http.Header{}}
				b.ReportAllocs()
				for b.Loop() {
					clear(w.header)
					h.ServeHTTP(w, r)
				}
			})
		}
	}
}

func BenchmarkRequestID(b *testing.B) {
	served := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})
	w, r := &corsCounter{header: http.Header{}}, httptest.NewRequest("GET", "/", nil)
	h := middleware.RequestID()(served)
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}
