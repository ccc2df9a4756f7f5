package roottest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/params"
	"github.com/apiroutes/apiroutes/testutil"
)

var errValuesSecret = errors.New("hidden cause")

// valuesHandlers are what fails, by the last segment of the path.
var valuesHandlers = map[string]apiroutes.HandlerFunc{
	"int":  func(c apiroutes.Context) error { return valuesError(params.Int(c, "id")) },
	"uuid": func(c apiroutes.Context) error { return valuesError(params.UUID(c, "id")) },
	"none": func(c apiroutes.Context) error { return valuesError(params.Int(c, "Id")) },
	"page": func(c apiroutes.Context) error { return valuesError(params.QueryInt(c, "page", 1)) },
	"addr": func(c apiroutes.Context) error { return valuesError(params.Parse(c, "id", netip.ParseAddr)) },
	"wrap": func(c apiroutes.Context) error { return fmt.Errorf("hidden: %w", valuesError(params.Int(c, "id"))) },
	"above": func(c apiroutes.Context) error {
		return apiroutes.Errorf(http.StatusNotFound, "no such user").WithCause(valuesError(params.Int(c, "id")))
	},
	"secret": func(c apiroutes.Context) error {
		return valuesError(params.Parse(c, "id", func(string) (int, error) { return 0, errValuesSecret }))
	},
	"public": func(c apiroutes.Context) error {
		return valuesError(params.Parse(c, "id", func(text string) (int, error) {
			return 0, (&apiroutes.Error{Status: http.StatusNotFound, Message: "no such user", Code: "gone"}).WithCause(errValuesSecret)
		}))
	},
	"broken": func(c apiroutes.Context) error { // a status that is no error
		return valuesError(params.Parse(c, "id", func(text string) (int, error) { return 0, valuesStatus(200) }))
	},
	"both": func(c apiroutes.Context) error {
		return errors.Join(valuesError(params.Int(c, "id")), valuesError(params.QueryInt(c, "page")))
	},
	"join": func(c apiroutes.Context) error { // none of them fails, or one
		return errors.Join(valuesError(params.Query(c, "id", "")), valuesError(params.QueryInt(c, "page", 1)))
	},
	"many": func(c apiroutes.Context) error { return valuesError(params.QueryAll(c, "many", strconv.Atoi)) },
}

type valuesStatus int

func (s valuesStatus) Error() string   { return "status" }
func (s valuesStatus) StatusCode() int { return int(s) }

func valuesError[T any](_ T, err error) error { return err }

func TestValuesAnswers(t *testing.T) {
	plain := apiroutes.New()
	problem := apiroutes.New(tag("a")).OnError(apiroutes.Problem)
	for name, h := range valuesHandlers {
		plain.Get("/[id]/"+name, h)
		problem.Get("/[id]/"+name, h)
	}
	const integer = "an integer of at most 64 bits"
	// field is a member of errors. Texts are written as JSON strings are.
	field := func(name, text string) string { return fmt.Sprintf(`{"detail":%q,"parameter":%q}`, text, name) }
	for _, row := range []struct {
		target, title string
		status        int
		detail        string
		fields        []string
	}{
		{"/x/int", "Bad Request", 400, `path parameter "id" must be ` + integer + `, not "x"`, []string{field("id", "must be "+integer+`, not "x"`)}},
		{"/x%22y/int", "Bad Request", 400, `path parameter "id" must be ` + integer + `, not "x\"y"`, []string{field("id", "must be "+integer+`, not "x\"y"`)}},
		{"/x/uuid", "Bad Request", 400, `path parameter "id" must be a UUID, not "x"`, []string{field("id", `must be a UUID, not "x"`)}},
		{"/1/none", "Bad Request", 400, `path parameter "Id" is missing: it must be ` + integer, []string{field("Id", "is missing: it must be "+integer)}},
		{"/1/page?page=", "Bad Request", 400, `query parameter "page" is empty: it must be ` + integer, []string{field("page", "is empty: it must be "+integer)}},
		{"/1/page?page=1&page=2", "Bad Request", 400, `query parameter "page" is given 2 times: give it once`, []string{field("page", "is given 2 times: give it once")}},
		{"/x/addr", "Bad Request", 400, `path parameter "id" is not valid, "x"`, []string{field("id", `is not valid, "x"`)}},
		{"/x/wrap", "Bad Request", 400, `path parameter "id" must be ` + integer + `, not "x"`, []string{field("id", "must be "+integer+`, not "x"`)}},
		{"/x/above", "Not Found", 404, "no such user", nil},
		{"/x/secret", "Bad Request", 400, `path parameter "id" is not valid, "x"`, []string{field("id", `is not valid, "x"`)}},
		{"/x/broken", "Internal Server Error", 500, `path parameter "id" is not valid, "x"`, []string{field("id", `is not valid, "x"`)}},
		{"/x/both", "Bad Request", 400, `path parameter "id" must be ` + integer + `, not "x"`, []string{
			field("id", "must be "+integer+`, not "x"`), field("page", "is missing: it must be "+integer),
		}},
		{"/1/both?page=y", "Bad Request", 400, `query parameter "page" must be ` + integer + `, not "y"`, []string{field("page", "must be "+integer+`, not "y"`)}},
		{"/1/join?page=%zz", "Bad Request", 400, `query parameter "page" holds a bad escape, "%zz"`, []string{field("page", `holds a bad escape, "%zz"`)}},
		{"/1/many?many=1&many=x", "Bad Request", 400, `query parameter "many" is not valid, "x"`, []string{field("many", `is not valid, "x"`)}},
	} {
		testutil.Call(t, plain, "GET "+row.target).Status(row.status).Header("Content-Type", "application/json; charset=utf-8").
			JSON(fmt.Sprintf(`{"error":%q}`, row.detail))
		errs := ""
		if len(row.fields) > 0 {
			errs = `,"errors":[` + strings.Join(row.fields, ",") + "]"
		}
		testutil.Call(t, problem, "GET "+row.target).Status(row.status).Header("Content-Type", "application/problem+json").
			JSON(fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"detail":%q%s}`, row.title, row.status, row.detail, errs))
	}
	testutil.Call(t, plain, "GET /x/public").Status(404).JSON(`{"error":"path parameter \"id\" is not valid, \"x\": no such user","code":"gone"}`)
	testutil.Call(t, plain, "GET /1/join").Status(200)
	testutil.Call(t, plain, "GET /1/int").Status(200)
}

// TestValuesBodies: whatever is sent, the body is valid JSON, in UTF-8, short,
// and without the text of the cause.
func TestValuesBodies(t *testing.T) {
	read := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return errors.Join(valuesError(params.Int(c, "id")), valuesError(params.QueryInt(c, "id")),
			valuesError(params.QueryAll(c, "id", func(string) (int, error) { return 0, errValuesSecret })))
	})
	for _, text := range []string{
		strings.Repeat("x", 100_000), strings.Repeat("\xff", 100_000), strings.Repeat("é", 50_000), strings.Repeat("x", 63) + "é",
		"\x00\x01\x1f\x7f", "\r\nSet-Cookie: a=b", "\xff", "\xc3", "\xed\xa0\x80", "\u2028\u2029\u202e", `"}{"`, `\`, "</script>", "%zz",
	} {
		for name, query := range map[string]string{"escaped": url.QueryEscape(text), "as it is": text} {
			for _, render := range []apiroutes.ErrorRenderer{apiroutes.JSONError, apiroutes.Problem} {
				r := apiroutes.New().OnError(render)
				r.Handle("/", read)
				// The values are those of an outer router, which lets any bytes in.
				for _, h := range []http.Handler{r, read} {
					response := testutil.Call(t, h, "GET /", testutil.PathValue("id", text), queryOf("id="+query)).Status(400)
					if body := response.Bytes(); !json.Valid(body) || !utf8.Valid(body) || len(body) > 3_000 || strings.Contains(string(body), "hidden") || strings.ContainsAny(string(body), "\x00\x7f\r") {
						t.Errorf("%.50q %s: %d bytes, %.300q", text, name, len(body), body)
					}
				}
			}
		}
	}
}

// TestValuesErrorsAs: a middleware that records errors finds the cause.
func TestValuesErrorsAs(t *testing.T) {
	var number *strconv.NumError
	if err := valuesOf(t, "int"); !errors.As(err, &number) || number.Num != "x" {
		t.Errorf("int: %v", err)
	}
	if err := valuesOf(t, "secret"); !errors.Is(err, errValuesSecret) {
		t.Errorf("secret: %v", err)
	}
	var public *apiroutes.Error
	if err := valuesOf(t, "public"); !errors.As(err, &public) || public.Code != "gone" || !errors.Is(err, errValuesSecret) {
		t.Errorf("public: %v", err)
	}
}

// valuesOf returns the error of a handler as the renderer gets it.
func valuesOf(t *testing.T, name string) (err error) {
	t.Helper()
	r := apiroutes.New().OnError(func(w http.ResponseWriter, r *http.Request, e *apiroutes.Error) {
		err = e.Unwrap()
		w.WriteHeader(e.StatusCode())
	})
	r.Get("/[id]", valuesHandlers[name])
	testutil.Call(t, r, "GET /x")
	if err == nil {
		t.Errorf("%s gives no error", name)
	}
	return err
}
