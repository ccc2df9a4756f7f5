package hello_test

import (
	"net/http"
	"testing"

	"github.com/apiroutes/apiroutes"
	hello "github.com/apiroutes/apiroutes/examples/testing"
	"github.com/apiroutes/apiroutes/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// The handler alone, with a request that no server received: Jest with
// node-mocks-http.
func TestHelloHandler(t *testing.T) {
	testutil.Call(t, apiroutes.HandlerFunc(hello.Hello), "GET /api/hello").
		Status(http.StatusOK).
		JSON(`{"message": "Hello from API Routes!"}`)
}

// A path parameter without a router.
func TestUserHandler(t *testing.T) {
	testutil.Call(t, apiroutes.HandlerFunc(hello.User), "GET /", testutil.PathValue("id", "123")).
		Status(http.StatusOK).
		JSON(map[string]string{"userId": "123"})
}

// The whole app: Supertest.
func TestHelloEndpoint(t *testing.T) {
	api := testutil.New(t, hello.Routes())

	api.Get("/api/hello?name=Ada").
		Status(http.StatusOK).
		Header("Content-Type", "application/json; charset=utf-8").
		JSON(`{"message": "Hello from Ada!"}`)
	api.Delete("/api/hello").
		Status(http.StatusMethodNotAllowed).
		Header("Allow", "GET, HEAD, OPTIONS")
}

// Cookies are kept as in a browser: request.agent(app).
func TestLogin(t *testing.T) {
	api := testutil.New(t, hello.Routes())

	api.Get("/api/me").Status(http.StatusUnauthorized)
	api.PostJSON("/api/login", map[string]string{"name": "Ada"}).
		Status(http.StatusNoContent).
		Cookie("name", "Ada")
	api.Get("/api/me").Status(http.StatusOK).JSONContains(`{"name": "Ada"}`)
	api.Fresh().Get("/api/me").Status(http.StatusUnauthorized) // another browser
}

// The same over a real server, for what depends on the protocol.
func TestHelloOverTheWire(t *testing.T) {
	for _, protocol := range []testutil.Protocol{testutil.HTTP, testutil.HTTPS, testutil.HTTP2} {
		t.Run(string(protocol), func(t *testing.T) {
			testutil.Serve(t, hello.Routes(), protocol).Get("/api/hello").Status(http.StatusOK)
		})
	}
}

// An answer as a file: expect(response).toMatchSnapshot().
func TestUserGolden(t *testing.T) {
	testutil.New(t, hello.Routes()).Get("/api/user/7").Golden("user")
}
