package roottest

import (
	"fmt"
	"math/big"
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// fieldsDecode decodes a form, urlencoded or multipart, into v.
func fieldsDecode(t testing.TB, v any, edits ...testutil.Edit) (err error) {
	t.Helper()
	readContext(t, "POST /", func(c apiroutes.Context) { err = c.Decode(v) }, edits...)
	return err
}

// fieldsMessage is what the client is told, with its status.
func fieldsMessage(err error) string {
	e, ok := err.(*apiroutes.Error)
	if !ok {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("%d %s", e.StatusCode(), e.PublicMessage())
}

// fieldsLevel is text that knows what it may be.
type fieldsLevel int

func (l *fieldsLevel) UnmarshalText(text []byte) error {
	switch string(text) {
	case "low":
		*l = 1
	case "high":
		*l = 2
	default:
		return fmt.Errorf("a secret about %q", text)
	}
	return nil
}

type (
	fieldsString string
	fieldsInt    int8
	fieldsBytes  []byte
	fieldsFiles  []*multipart.FileHeader
)

// fieldsOne is a struct with one field of a type, filled from the text.
func fieldsOne[T any](query string) func(t testing.TB, edit func(url.Values) testutil.Edit) string {
	return func(t testing.TB, edit func(url.Values) testutil.Edit) string {
		t.Helper()
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			F T `form:"f"`
		}
		if err := fieldsDecode(t, &v, edit(values)); err != nil {
			return fieldsMessage(err)
		}
		return fieldsShow(reflect.ValueOf(v.F))
	}
}

// fieldsShow is a value with what pointers point to.
func fieldsShow(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil():
		return "nil"
	case v.Kind() == reflect.Pointer:
		return "&" + fieldsShow(v.Elem())
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Pointer:
		var all []string
		for i := range v.Len() {
			all = append(all, fieldsShow(v.Index(i)))
		}
		return fmt.Sprint(all)
	}
	return fmt.Sprintf("%v", v.Interface())
}

func TestFormFieldTypes(t *testing.T) {
	edits := map[string]func(url.Values) testutil.Edit{
		"urlencoded": testutil.Form,
		"multipart":  func(v url.Values) testutil.Edit { return testutil.Multipart(v) },
	}
	wrong := func(problem string) string { return `400 field "f" ` + problem }
	for i, c := range []struct {
		one    func(t testing.TB, edit func(url.Values) testutil.Edit) string
		want   string
		reason string
	}{
		{fieldsOne[string]("f=a+b"), "a b", ""},
		{fieldsOne[string]("f="), "", "an empty text is a text"},
		{fieldsOne[string]("g=x"), "", "absent"},
		{fieldsOne[string]("F=x"), "", "case counts"},
		{fieldsOne[string]("f=a&f=b"), wrong("is given 2 times: give it once"), "not the first or the last of two"},
		{fieldsOne[fieldsString]("f=a"), "a", "a named type"},
		{fieldsOne[*string]("f=a"), "&a", ""},
		{fieldsOne[*string]("g=a"), "nil", ""},
		{fieldsOne[**string]("f=a"), "&&a", ""},
		{fieldsOne[[]string]("f=a&f=&f=b"), "[a  b]", ""},
		{fieldsOne[[]string]("g=a"), "[]", ""},
		{fieldsOne[[]*string]("f=a"), "[&a]", ""},
		{fieldsOne[[]byte]("f=ab"), "[97 98]", ""},
		{fieldsOne[fieldsBytes]("f=ab"), "[97 98]", ""},
		{fieldsOne[[]byte]("f=a&f=b"), wrong("is given 2 times: give it once"), "bytes are one text"},
		{fieldsOne[[][]byte]("f=a&f=b"), "[[97] [98]]", ""},

		{fieldsOne[bool]("f=true"), "true", ""},
		{fieldsOne[bool]("f=on"), "true", "a checkbox"},
		{fieldsOne[bool]("f=1"), "true", ""},
		{fieldsOne[bool]("f=0"), "false", ""},
		{fieldsOne[bool]("f=off"), wrong(`must be a boolean, not "off"`), ""},
		{fieldsOne[bool]("f="), wrong("is empty: it must be a boolean"), ""},
		{fieldsOne[*bool]("f="), "nil", "an input that was left empty"},
		{fieldsOne[*bool]("f=false"), "&false", ""},
		{fieldsOne[[]bool]("f=on&f=0"), "[true false]", ""},

		{fieldsOne[int]("f=-7"), "-7", ""},
		{fieldsOne[int]("f=007"), "7", "decimal, whatever it looks like"},
		{fieldsOne[int]("f=0x10"), wrong(`must be an integer of 64 bits, not "0x10"`), ""},
		{fieldsOne[int]("f=1_000"), wrong(`must be an integer of 64 bits, not "1_000"`), ""},
		{fieldsOne[int]("f=+1"), wrong(`must be an integer of 64 bits, not " 1"`), ""},
		{fieldsOne[int]("f=1.0"), wrong(`must be an integer of 64 bits, not "1.0"`), ""},
		{fieldsOne[int]("f="), wrong("is empty: it must be an integer of 64 bits"), ""},
		{fieldsOne[int8]("f=127"), "127", ""},
		{fieldsOne[int8]("f=-128"), "-128", ""},
		{fieldsOne[int8]("f=128"), wrong(`must be an integer of 8 bits, not "128"`), "never cut"},
		{fieldsOne[int16]("f=32768"), wrong(`must be an integer of 16 bits, not "32768"`), ""},
		{fieldsOne[int32]("f=-2147483648"), "-2147483648", ""},
		{fieldsOne[int64]("f=9223372036854775807"), "9223372036854775807", ""},
		{fieldsOne[int64]("f=9223372036854775808"), wrong(`must be an integer of 64 bits, not "9223372036854775808"`), ""},
		{fieldsOne[fieldsInt]("f=5"), "5", ""},
		{fieldsOne[*int]("f="), "nil", ""},
		{fieldsOne[*int]("f=5"), "&5", ""},
		{fieldsOne[*int]("f=x"), wrong(`must be an integer of 64 bits, not "x"`), ""},
		{fieldsOne[[]int]("f=1&f=2"), "[1 2]", ""},
		{fieldsOne[[]int]("f=1&f=x&f=y"), wrong(`must be an integer of 64 bits, not "x"`), ""},
		{fieldsOne[[]*int]("f=1&f="), "[&1 nil]", ""},
		{fieldsOne[uint]("f=-1"), wrong(`must be an integer of 64 bits that is not negative, not "-1"`), ""},
		{fieldsOne[uint8]("f=255"), "255", ""},
		{fieldsOne[uint8]("f=256"), wrong(`must be an integer of 8 bits that is not negative, not "256"`), ""},
		{fieldsOne[uint16]("f=65535"), "65535", ""},
		{fieldsOne[uint32]("f=4294967295"), "4294967295", ""},
		{fieldsOne[uint64]("f=18446744073709551615"), "18446744073709551615", ""},

		{fieldsOne[float64]("f=1.5e3"), "1500", ""},
		{fieldsOne[float32]("f=0.25"), "0.25", ""},
		{fieldsOne[float32]("f=1e39"), wrong(`must be a number, not "1e39"`), "over the range"},
		{fieldsOne[float64]("f=1e309"), wrong(`must be a number, not "1e309"`), ""},
		{fieldsOne[float64]("f=NaN"), wrong(`must be a number, not "NaN"`), "JSON has none either"},
		{fieldsOne[float64]("f=-Inf"), wrong(`must be a number, not "-Inf"`), ""},
		{fieldsOne[float64]("f="), wrong("is empty: it must be a number"), ""},
		{fieldsOne[*float64]("f=0"), "&0", ""},

		{fieldsOne[time.Duration]("f=1h30m"), "1h30m0s", ""},
		{fieldsOne[time.Duration]("f=90"), wrong(`must be a duration such as 1h30m, not "90"`), "no unit"},
		{fieldsOne[*time.Duration]("f="), "nil", ""},
		{fieldsOne[[]time.Duration]("f=1s&f=2s"), "[1s 2s]", ""},
		{fieldsOne[time.Time]("f=2024-01-02T03:04:05Z"), "2024-01-02 03:04:05 +0000 UTC", ""},
		{fieldsOne[time.Time]("f=2024-01-02"), wrong(`must be a time such as 2006-01-02T15:04:05Z, not "2024-01-02"`), ""},
		{fieldsOne[time.Time]("f="), wrong("is empty: it must be a time such as 2006-01-02T15:04:05Z"), ""},
		{fieldsOne[*time.Time]("f="), "nil", ""},
		{fieldsOne[*time.Time]("f=2024-01-02T03:04:05Z"), "&2024-01-02 03:04:05 +0000 UTC", ""},
		{fieldsOne[fieldsLevel]("f=high"), "2", ""},
		{fieldsOne[fieldsLevel]("f=3"), wrong(`must be valid, not "3"`), "the text of its error is not ours to publish"},
		{fieldsOne[*fieldsLevel]("f=low"), "&1", ""},
		{fieldsOne[*fieldsLevel]("f="), "nil", ""},
		{fieldsOne[[]fieldsLevel]("f=low&f=high"), "[1 2]", ""},
		{fieldsOne[[]*fieldsLevel]("f=low"), "[&1]", ""},
		{fieldsOne[netip.Addr]("f=192.0.2.1"), "192.0.2.1", ""},
		{fieldsOne[net.IP]("f=192.0.2.1"), "192.0.2.1", "a TextUnmarshaler first, bytes second"},
		{fieldsOne[[]net.IP]("f=192.0.2.1&f=::1"), "[192.0.2.1 ::1]", ""},
		{fieldsOne[big.Int]("f=x"), wrong(`must be valid, not "x"`), ""},
		{fieldsOne[int]("f=" + strings.Repeat("1", 100)), wrong(`must be an integer of 64 bits, not "` + strings.Repeat("1", 64) + `..."`), "cut"},
	} {
		for name, edit := range edits {
			if got := c.one(t, edit); got != c.want {
				t.Errorf("row %d, %s: %s, want %s; %s", i, name, got, c.want, c.reason)
			}
		}
	}
}

// FieldsEmbedded is embedded below, which reflect fills only if it may.
type FieldsEmbedded struct {
	City string `form:"city"`
	Zip  string
}

type fieldsHidden struct {
	Country string `form:"country"`
}

type fieldsPlain struct{ Name string }

type fieldsBig struct {
	FieldsEmbedded
	fieldsHidden
	*fieldsPlain        // without a tag in it: allowed
	Name         string `form:"name"`
	IsAdmin      bool   // no tag
	Skipped      string `form:"-"`
	Odd          string `form:"a/b~c.d[0] é"`
	JSON         string `json:"json"`
	Inner        struct {
		Deep string `form:"deep"`
	}
	hidden string
}

// TestFormFieldsTagged: nothing but tagged fields is ever filled, and what is
// absent stays.
func TestFormFieldsTagged(t *testing.T) {
	for name, edit := range map[string]func(url.Values) testutil.Edit{"urlencoded": testutil.Form, "multipart": func(v url.Values) testutil.Edit { return testutil.Multipart(v) }} {
		v := fieldsBig{Name: "before", IsAdmin: false, Skipped: "s", hidden: "h", FieldsEmbedded: FieldsEmbedded{City: "before"}}
		sent := url.Values{"-": {"x"}}
		for _, name := range []string{"IsAdmin", "isadmin", "is_admin", "Skipped", "skipped", "Zip", "zip", "JSON", "json", "hidden", "Deep", "deep", "Inner.deep", "FieldsEmbedded.city", "City", "Name", "Country", "fieldsPlain"} {
			sent.Set(name, "true")
		}
		if err := fieldsDecode(t, &v, edit(sent)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := fieldsBig{Name: "before", Skipped: "s", hidden: "h", FieldsEmbedded: FieldsEmbedded{City: "before"}}
		if !reflect.DeepEqual(v, want) {
			t.Errorf("%s: %+v, want %+v", name, v, want)
		}
		if err := fieldsDecode(t, &v, edit(url.Values{"city": {"c"}, "country": {"d"}, "name": {""}, "a/b~c.d[0] é": {"o"}})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want.City, want.Country, want.Name, want.Odd = "c", "d", "", "o"
		if !reflect.DeepEqual(v, want) {
			t.Errorf("%s: %+v, want %+v", name, v, want)
		}
	}
	v := fieldsBig{}
	if err := fieldsDecode(t, &v, testutil.Body("application/json", `{"Name":"n","city":"c"}`)); err != nil || v.Name != "n" || v.City != "c" {
		t.Errorf("JSON: %+v, %v", v, err)
	}
}

// TestFormFieldsTogether tells of all mistakes at once, in the order of the
// struct, and of each with a pointer.
func TestFormFieldsTogether(t *testing.T) {
	type signUp struct {
		Age   int                   `form:"age"`
		Name  string                `form:"name"`
		When  time.Time             `form:"when"`
		Image *multipart.FileHeader `form:"image"`
		Odd   bool                  `form:"a/b~c é"`
	}
	h := apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.Decode(new(signUp)) })
	problems := apiroutes.New()
	problems.OnError(apiroutes.Problem).Post("/", h)
	body := testutil.Form(url.Values{"age": {"x"}, "name": {"a", "b"}, "when": {""}, "image": {"text"}, "a/b~c é": {"?"}})
	const text = `field \"age\" must be an integer of 64 bits, not \"x\"; field \"name\" is given 2 times: give it once; ` +
		`field \"when\" is empty: it must be a time such as 2006-01-02T15:04:05Z; field \"image\" must be a file; field \"a/b~c é\" must be a boolean, not \"?\"`
	w := testutil.Call(t, h, "POST /", body)
	if got := brief(w); !strings.HasPrefix(got, `400 {"error":"`+text+`"`) {
		t.Errorf("got %s", got)
	}
	testutil.Call(t, problems, "POST /", body).Status(400).JSONContains(`{"status":400,"detail":"` + text + `","errors":[
		{"pointer":"#/age","detail":"must be an integer of 64 bits, not \"x\""},
		{"pointer":"#/name","detail":"is given 2 times: give it once"},
		{"pointer":"#/when","detail":"is empty: it must be a time such as 2006-01-02T15:04:05Z"},
		{"pointer":"#/image","detail":"must be a file"},
		{"pointer":"#/a~1b~0c%20%C3%A9","detail":"must be a boolean, not \"?\""}]}`)
	testutil.Call(t, problems, "POST /", testutil.Form(url.Values{"age": {""}})).Status(400).
		JSONContains(`{"detail":"field \"age\" is empty: it must be an integer of 64 bits","errors":[{"pointer":"#/age","detail":"is empty: it must be an integer of 64 bits"}]}`)
}

// TestFormFieldsFiles fills file fields from files alone.
func TestFormFieldsFiles(t *testing.T) {
	type upload struct {
		One  *multipart.FileHeader   `form:"one"`
		Many []*multipart.FileHeader `form:"many"`
		Mine fieldsFiles             `form:"mine"`
		Text string                  `form:"text"`
	}
	file := func(field, name string) testutil.File { return testutil.File{Field: field, Name: name, Content: "c"} }
	for _, c := range []struct {
		reason string
		edit   testutil.Edit
		want   string
	}{
		{"each", testutil.Multipart(url.Values{"text": {"t"}}, file("one", "a"), file("many", "b"), file("many", "c"), file("mine", "d")), "a [b c] [d] t"},
		{"none", testutil.Multipart(url.Values{"text": {"t"}}), " [] [] t"},
		{"inputs that were left empty", testutil.Multipart(url.Values{"one": {""}, "many": {"", ""}}), " [] [] "},
		{"left empty, urlencoded", testutil.Form(url.Values{"one": {""}, "text": {"t"}}), " [] [] t"},
		{"text", testutil.Form(url.Values{"one": {"a"}}), `400 field "one" must be a file`},
		{"text beside a file", testutil.Multipart(url.Values{"many": {"", "a"}}, file("many", "b")), `400 field "many" must be a file`},
		{"two for one", testutil.Multipart(nil, file("one", "a"), file("one", "b")), `400 field "one" is given 2 times: give it once`},
		{"a file for text", testutil.Multipart(nil, file("text", "a")), `400 field "text" is a file, which is not accepted`},
		{"a file and text for text", testutil.Multipart(url.Values{"text": {"a"}}, file("text", "a")), `400 field "text" is a file, which is not accepted`},
		{"a file that is not asked for", testutil.Multipart(nil, file("other", "a")), " [] [] "},
		{"JSON claims a file", testutil.Body("application/json", `{"One":{"Filename":"x","Size":1}}`),
			`415 Content-Type "application/json" is not accepted: send application/x-www-form-urlencoded or multipart/form-data`},
	} {
		var v upload
		got := ""
		if err := fieldsDecode(t, &v, c.edit); err != nil {
			got = fieldsMessage(err)
		} else {
			one := ""
			if v.One != nil {
				one = v.One.Filename
			}
			names := func(files []*multipart.FileHeader) (all []string) {
				for _, f := range files {
					all = append(all, f.Filename)
				}
				return all
			}
			got = fmt.Sprint(one, " ", names(v.Many), " ", names(v.Mine), " ", v.Text)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
}

// fieldsMistake decodes into a new T, and returns what the client and the log
// get.
func fieldsMistake[T any](t testing.TB, logs *errorLog, contentType string) (answer, logged string) {
	t.Helper()
	h := apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.Decode(new(T)) })
	answer = formSend(t, h, contentType, "")
	return answer, logs.take()
}

type fieldsPointer struct {
	City string `form:"city"`
}

// TestFormFieldsMistakes are those of a program, which a test of it must find
// whatever it sends: never a 4xx, and the log says which field and why.
func TestFormFieldsMistakes(t *testing.T) {
	logs := captureLog(t)
	for i, c := range []struct {
		send func(t testing.TB, logs *errorLog, contentType string) (string, string)
		want string
	}{
		{fieldsMistake[struct {
			A string `form:""`
		}], `field A: the tag form:\"\" is not a name: tags of forms have no options`},
		{fieldsMistake[struct {
			A string `form:"a,omitempty"`
		}], `field A: the tag form:\"a,omitempty\" is not a name: tags of forms have no options`},
		{fieldsMistake[struct {
			a string `form:"a"`
		}], "field a: it has a form tag but is not exported"},
		{fieldsMistake[struct {
			A string `form:"x"`
			B string `form:"x"`
		}], `field B: it has the form name \"x\" of field A`},
		{fieldsMistake[struct {
			FieldsEmbedded
			B string `form:"city"`
		}], `it has the form name \"city\" of field`},
		{fieldsMistake[struct{ *fieldsPointer }], "field City: it is embedded by a pointer: embed the struct itself"},
		{fieldsMistake[struct {
			A map[string]string `form:"a"`
		}], "field A: a form cannot fill the type map[string]string"},
		{fieldsMistake[struct {
			FieldsEmbedded `form:"a"`
		}], "field FieldsEmbedded: a form cannot fill the type roottest.FieldsEmbedded"},
		{fieldsMistake[struct {
			A any `form:"a"`
		}], "field A: a form cannot fill the type interface {}"},
		{fieldsMistake[struct {
			A chan int `form:"a"`
		}], "field A: a form cannot fill the type chan int"},
		{fieldsMistake[struct {
			A complex128 `form:"a"`
		}], "field A: a form cannot fill the type complex128"},
		{fieldsMistake[struct {
			A uintptr `form:"a"`
		}], "field A: a form cannot fill the type uintptr"},
		{fieldsMistake[struct {
			A [2]string `form:"a"`
		}], "field A: a form cannot fill the type [2]string"},
		{fieldsMistake[struct {
			A [][]string `form:"a"`
		}], "field A: a form cannot fill the type [][]string"},
		{fieldsMistake[struct {
			A *[]string `form:"a"`
		}], "field A: a form cannot fill the type *[]string"},
		{fieldsMistake[struct {
			A multipart.FileHeader `form:"a"`
		}], "field A: a form cannot fill the type multipart.FileHeader"},
		{fieldsMistake[struct {
			A **multipart.FileHeader `form:"a"`
		}], "field A: a form cannot fill the type **multipart.FileHeader"},
	} {
		for _, contentType := range []string{formURLEncoded, formMultipart, "application/json", ""} {
			answer, logged := c.send(t, logs, contentType)
			if answer != "500 "+errorInternal {
				t.Errorf("row %d, %q: the client has %s", i, contentType, answer)
			}
			if plain := strings.ReplaceAll(logged, `\\\"`, `\"`); !strings.Contains(plain, "apiroutes: Decode into struct {") || !strings.Contains(plain, c.want) {
				t.Errorf("row %d, %q: the log is %s, want %s", i, contentType, logged, c.want)
			}
		}
	}
}

// TestFormFieldsConcurrent: the first requests for a type plan it together.
func TestFormFieldsConcurrent(t *testing.T) {
	type fresh struct {
		A []int `form:"a"`
	}
	h := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		var v fresh
		if err := c.Decode(&v); err != nil {
			return err
		}
		return c.Text(http.StatusOK, fmt.Sprint(v.A))
	})
	done := make(chan string)
	for i := range 8 {
		go func() {
			done <- brief(testutil.Call(t, h, "POST /", testutil.Form(url.Values{"a": {fmt.Sprint(i), "7"}})))
		}()
	}
	seen := map[string]bool{}
	for range 8 {
		seen[<-done] = true
	}
	for i := range 8 {
		if want := fmt.Sprintf("200 [%d 7]", i); !seen[want] {
			t.Errorf("no answer %s in %v", want, seen)
		}
	}
}
