package params_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes/params"
)

func static(text string) params.Segment   { return params.Segment{Kind: params.Static, Text: text} }
func param(name string) params.Segment    { return params.Segment{Kind: params.Param, Text: name} }
func catchAll(name string) params.Segment { return params.Segment{Kind: params.CatchAll, Text: name} }
func optional(name string) params.Segment {
	return params.Segment{Kind: params.OptionalCatchAll, Text: name}
}

func TestParsePatternAccepts(t *testing.T) {
	tests := []struct {
		pattern string
		want    []params.Segment
		reason  string
	}{
		{"/", nil, "the root has no segments"},
		{"/a", []params.Segment{static("a")}, ""},
		{"/api/hello", []params.Segment{static("api"), static("hello")}, ""},
		{"/user/[id]", []params.Segment{static("user"), param("id")}, ""},
		{"/[id]", []params.Segment{param("id")}, ""},
		{"/[a]/[b]/c", []params.Segment{param("a"), param("b"), static("c")}, "only a catch-all must be last"},
		{"/[...rest]", []params.Segment{catchAll("rest")}, ""},
		{"/a/[b]/[...rest]", []params.Segment{static("a"), param("b"), catchAll("rest")}, ""},
		{"/[[...rest]]", []params.Segment{optional("rest")}, ""},
		{"/a/[[...rest]]", []params.Segment{static("a"), optional("rest")}, ""},

		{"/A/a", []params.Segment{static("A"), static("a")}, "letters keep their case"},
		{"/[helloworld]/[hello-world]", []params.Segment{param("helloworld"), param("hello-world")}, "names that differ by symbols differ"},
		{"/[Id]/[id]", []params.Segment{param("Id"), param("id")}, "names that differ by case differ"},
		{"/[my-id]/[my_id]/[id2]", []params.Segment{param("my-id"), param("my_id"), param("id2")}, "names keep symbols and digits"},
		{"/[my id]/[é]/[...名]", []params.Segment{param("my id"), param("é"), catchAll("名")}, "names keep spaces and any letters"},
		{"/[a.b]", []params.Segment{param("a.b")}, "a dot inside of a name is part of it"},
		{"/[a%2F]", []params.Segment{param("a%2F")}, "a name is no path: it has no escapes"},
		{"/[a?]", []params.Segment{param("a?")}, ""},
		{"/[*]", []params.Segment{param("*")}, ""},

		{"/café/ ", []params.Segment{static("café"), static(" ")}, "static text is written decoded"},
		{"/:id/*/(group)/_folder/@me", []params.Segment{static(":id"), static("*"), static("(group)"), static("_folder"), static("@me")}, "other grammars' marks are text here"},
		{"/a.json/.well-known/.../a..b", []params.Segment{static("a.json"), static(".well-known"), static("..."), static("a..b")}, "only . and .. are dot segments"},
		{"/100%/%zz/%4/%%", []params.Segment{static("100%"), static("%zz"), static("%4"), static("%%")}, "a percent sign that begins no escape is text"},
		{"/a…b", []params.Segment{static("a…b")}, "the ellipsis is refused inside of brackets only"},
		{`/a\b`, []params.Segment{static(`a\b`)}, "a backslash separates nothing"},
	}
	for _, test := range tests {
		got, err := params.ParsePattern(test.pattern)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("ParsePattern(%q) = %v, %v, want %v (%s)", test.pattern, got, err, test.want, test.reason)
		}
	}
}

// The messages are pinned whole: they are what the author of a wrong pattern
// gets to read, and each has to say how to write it.
func TestParsePatternRefuses(t *testing.T) {
	const threeForms = "write [id], [...id] or [[...id]]"
	tests := []struct{ pattern, want string }{
		{"", `pattern "" is empty: write "/" for the root`},
		{"api", `pattern "api" must begin with a slash: write "/api"`},
		{"[id]", `pattern "[id]" must begin with a slash: write "/[id]"`},
		{"//", `pattern "//": segment "" at offset 1 is empty: write "/"`},
		{"//a", `pattern "//a": segment "" at offset 1 is empty: write "/a"`},
		{"/a//b", `pattern "/a//b": segment "" at offset 3 is empty: write "/a/b"`},
		{"/a/", `pattern "/a/": segment "" at offset 3 is empty: write "/a"`},
		{"/[id]/", `pattern "/[id]/": segment "" at offset 6 is empty: write "/[id]"`},
		{"/[...id]/", `pattern "/[...id]/": segment "" at offset 9 is empty: write "/[...id]"`},

		// After a catch-all.
		{"/a/[...id]/b", `pattern "/a/[...id]/b": segment "b" at offset 11 follows the catch-all "id", which takes the rest of the path: let the catch-all be last`},
		{"/[[...id]]/[b]", `pattern "/[[...id]]/[b]": segment "[b]" at offset 11 follows the catch-all "id", which takes the rest of the path: let the catch-all be last`},
		{"/[...a]/[...b]", `pattern "/[...a]/[...b]": segment "[...b]" at offset 8 follows the catch-all "a", which takes the rest of the path: let the catch-all be last`},

		// Repeated names, a catch-all's included.
		{"/[id]/[id]", `pattern "/[id]/[id]": segment "[id]" at offset 6 repeats the name "id": give each parameter of a pattern its own name`},
		{"/[id]/a/[...id]", `pattern "/[id]/a/[...id]": segment "[...id]" at offset 8 repeats the name "id": give each parameter of a pattern its own name`},
		{"/[id]/[[...id]]", `pattern "/[id]/[[...id]]": segment "[[...id]]" at offset 6 repeats the name "id": give each parameter of a pattern its own name`},

		// Optional single parameters.
		{"/[[id]]", `pattern "/[[id]]": segment "[[id]]" at offset 1 is an optional parameter, which does not exist: write [id], or [[...id]] for zero or more segments`},

		// Dots.
		{"/[.id]", `pattern "/[.id]": segment "[.id]" at offset 1 has stray dots: write [id] for one segment, [...id] or [[...id]] for the rest`},
		{"/[..id]", `pattern "/[..id]": segment "[..id]" at offset 1 has stray dots: write [id] for one segment, [...id] or [[...id]] for the rest`},
		{"/[....id]", `pattern "/[....id]": segment "[....id]" at offset 1 has stray dots: write [id] for one segment, [...id] or [[...id]] for the rest`},
		{"/[[..id]]", `pattern "/[[..id]]": segment "[[..id]]" at offset 1 has stray dots: write [id] for one segment, [...id] or [[...id]] for the rest`},
		{"/[[....id]]", `pattern "/[[....id]]": segment "[[....id]]" at offset 1 has stray dots: write [id] for one segment, [...id] or [[...id]] for the rest`},
		{"/[id.]", `pattern "/[id.]": segment "[id.]" at offset 1 has stray dots: write [id] for one segment, [...id] or [[...id]] for the rest`},
		{"/[id...]", `pattern "/[id...]": segment "[id...]" at offset 1 has stray dots: write [id] for one segment, [...id] or [[...id]] for the rest`},
		{"/[.]", `pattern "/[.]": segment "[.]" at offset 1 has stray dots: write [name] for one segment, [...name] or [[...name]] for the rest`},
		{"/[…id]", `pattern "/[…id]": segment "[…id]" at offset 1 holds the character '…' (U+2026): write three dots, [...id]`},
		{"/[[…id]]", `pattern "/[[…id]]": segment "[[…id]]" at offset 1 holds the character '…' (U+2026): write three dots, [...id]`},
		{"/[…]", `pattern "/[…]": segment "[…]" at offset 1 holds the character '…' (U+2026): write three dots, [...name]`},
		{"/.", `pattern "/.": segment "." at offset 1 is a dot segment, which no request may hold: write the path without it`},
		{"/a/../b", `pattern "/a/../b": segment ".." at offset 3 is a dot segment, which no request may hold: write the path without it`},

		// Brackets without partners, or too many.
		{"/[id", `pattern "/[id": segment "[id" at offset 1 has unbalanced brackets: ` + threeForms},
		{"/id]", `pattern "/id]": segment "id]" at offset 1 has unbalanced brackets: ` + threeForms},
		{"/[", `pattern "/[": segment "[" at offset 1 has unbalanced brackets: write [name], [...name] or [[...name]]`},
		{"/][", `pattern "/][": segment "][" at offset 1 has unbalanced brackets: write [name], [...name] or [[...name]]`},
		{"/[...id", `pattern "/[...id": segment "[...id" at offset 1 has unbalanced brackets: ` + threeForms},
		{"/[...id]]", `pattern "/[...id]]": segment "[...id]]" at offset 1 has extra or unbalanced brackets: ` + threeForms},
		{"/[[...id]", `pattern "/[[...id]": segment "[[...id]" at offset 1 has extra or unbalanced brackets: ` + threeForms},
		{"/[[id]", `pattern "/[[id]": segment "[[id]" at offset 1 has extra or unbalanced brackets: ` + threeForms},
		{"/[[[id]]]", `pattern "/[[[id]]]": segment "[[[id]]]" at offset 1 has extra or unbalanced brackets: ` + threeForms},
		{"/[[[...id]]]", `pattern "/[[[...id]]]": segment "[[[...id]]]" at offset 1 has extra or unbalanced brackets: ` + threeForms},

		// No name.
		{"/[]", `pattern "/[]": segment "[]" at offset 1 has no name: write one, such as [id], [...path] or [[...path]]`},
		{"/[[]]", `pattern "/[[]]": segment "[[]]" at offset 1 has no name: write one, such as [id], [...path] or [[...path]]`},
		{"/[ ]", `pattern "/[ ]": segment "[ ]" at offset 1 has no name: write one, such as [id], [...path] or [[...path]]`},
		{"/[...]", `pattern "/[...]": segment "[...]" at offset 1 has no name: write one, such as [id], [...path] or [[...path]]`},
		{"/[[...]]", `pattern "/[[...]]": segment "[[...]]" at offset 1 has no name: write one, such as [id], [...path] or [[...path]]`},

		// A parameter beside other text, or two in one segment.
		{"/v[id]", `pattern "/v[id]": segment "v[id]" at offset 1 mixes a parameter with other text: a parameter is a whole segment, [id]`},
		{"/[id].json", `pattern "/[id].json": segment "[id].json" at offset 1 mixes a parameter with other text: a parameter is a whole segment, [id]`},
		{"/a[id]b", `pattern "/a[id]b": segment "a[id]b" at offset 1 mixes a parameter with other text: a parameter is a whole segment, [id]`},
		{"/[a]-[b]", `pattern "/[a]-[b]": segment "[a]-[b]" at offset 1 holds more than one parameter: a parameter is a whole segment, [a]`},
		{"/[a][b]", `pattern "/[a][b]": segment "[a][b]" at offset 1 holds more than one parameter: a parameter is a whole segment, [a]`},

		// Other grammars.
		{"/{id}", `pattern "/{id}": segment "{id}" at offset 1 has braces: parameters are written in brackets, such as [id]`},
		{"/{id...}", `pattern "/{id...}": segment "{id...}" at offset 1 has braces: parameters are written in brackets, such as [id]`},
		{"/a/{$}", `pattern "/a/{$}": segment "{$}" at offset 3 has braces: parameters are written in brackets, such as [$]`},
		{"/a/{}", `pattern "/a/{}": segment "{}" at offset 3 has braces: parameters are written in brackets, such as [name]`},
		{"/[{id}]", `pattern "/[{id}]": segment "[{id}]" at offset 1 has braces: parameters are written in brackets, such as [id]`},

		// Text that no decoded path holds.
		{"/a?x=1", `pattern "/a?x=1": segment "a?x=1" at offset 1 holds '?' or '#': a pattern is a path only; read the query with Context.Query`},
		{"/a#top", `pattern "/a#top": segment "a#top" at offset 1 holds '?' or '#': a pattern is a path only; read the query with Context.Query`},
		{"/caf%C3%A9", `pattern "/caf%C3%A9": segment "caf%C3%A9" at offset 1 holds the escape "%C3": patterns are written decoded, as "café"`},
		{"/a%20b", `pattern "/a%20b": segment "a%20b" at offset 1 holds the escape "%20": patterns are written decoded, as "a b"`},
		{"/a/%41", `pattern "/a/%41": segment "%41" at offset 3 holds the escape "%41": patterns are written decoded, as "A"`},
		{"/100%/%25", `pattern "/100%/%25": segment "%25" at offset 6 holds the escape "%25": patterns are written decoded, as "%"`},
		{"/%zz%41", `pattern "/%zz%41": segment "%zz%41" at offset 1 holds the escape "%41": patterns are written decoded, as "%zzA"`},
		{"/a%2Fb", `pattern "/a%2Fb": segment "a%2Fb" at offset 1 holds the escape "%2F" of what a pattern cannot hold: patterns are written decoded`},
		{"/%5Bid%5D", `pattern "/%5Bid%5D": segment "%5Bid%5D" at offset 1 holds the escape "%5B" of what a pattern cannot hold: patterns are written decoded`},
		{"/%2e%2E", `pattern "/%2e%2E": segment "%2e%2E" at offset 1 holds the escape "%2e" of what a pattern cannot hold: patterns are written decoded`},
		{"/[a…b]", `pattern "/[a…b]": segment "[a…b]" at offset 1 holds the character '…' (U+2026): write three dots, [...ab]`},
		{"/a\x00", `pattern "/a\x00": segment "a\x00" at offset 1 holds the control character '\x00': remove it`},
		{"/[a\n]", `pattern "/[a\n]": segment "[a\n]" at offset 1 holds the control character '\n': remove it`},
		{"/a\x7f", `pattern "/a\x7f": segment "a\x7f" at offset 1 holds the control character '\x7f': remove it`},
		{"/a/\xff", `pattern "/a/\xff": segment "\xff" at offset 3 is not valid UTF-8: patterns are written decoded, in UTF-8`},
		{"/[\xc3]", `pattern "/[\xc3]": segment "[\xc3]" at offset 1 is not valid UTF-8: patterns are written decoded, in UTF-8`},
	}
	for _, test := range tests {
		segments, err := params.ParsePattern(test.pattern)
		if err == nil {
			t.Errorf("ParsePattern(%q) = %v, want an error", test.pattern, segments)
			continue
		}
		if segments != nil || err.Error() != test.want {
			t.Errorf("ParsePattern(%q) = %v, error\n\t%s\nwant\n\t%s", test.pattern, segments, err, test.want)
		}
	}
}

// What a message tells to write is a pattern, or it would send its reader from
// one error to the next.
func TestParsePatternAdviceIsRight(t *testing.T) {
	tests := []struct{ wrong, right string }{
		{"api", "/api"},
		{"/a//b/", "/a/b"},
		{"/[[id]]", "/[id]"},
		{"/[..id]", "/[...id]"},
		{"/[…id]", "/[...id]"},
		{"/[id", "/[[...id]]"},
		{"/v[id]", "/[id]"},
		{"/{id}", "/[id]"},
		{"/[]", "/[[...path]]"},
		{"/caf%C3%A9", "/café"},
	}
	for _, test := range tests {
		_, err := params.ParsePattern(test.wrong)
		if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(test.right, "/")) {
			t.Errorf("ParsePattern(%q): error %v does not name %q", test.wrong, err, test.right)
		}
		if _, err := params.ParsePattern(test.right); err != nil {
			t.Errorf("the advice %q for %q is refused: %v", test.right, test.wrong, err)
		}
	}
}

func TestIsCatchAll(t *testing.T) {
	for segment, want := range map[params.Segment]bool{
		static("a"): false, param("a"): false, catchAll("a"): true, optional("a"): true,
	} {
		if got := segment.IsCatchAll(); got != want {
			t.Errorf("%v.IsCatchAll() = %v, want %v", segment, got, want)
		}
	}
}

// written joins segments into the pattern that has them.
func written(segments []params.Segment) string {
	var b strings.Builder
	for _, s := range segments {
		switch s.Kind {
		case params.Static:
			b.WriteString("/" + s.Text)
		case params.Param:
			b.WriteString("/[" + s.Text + "]")
		case params.CatchAll:
			b.WriteString("/[..." + s.Text + "]")
		case params.OptionalCatchAll:
			b.WriteString("/[[..." + s.Text + "]]")
		}
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

// FuzzParsePattern: the grammar has one way to write a pattern, so that an
// accepted one is what its segments join to; an error names the pattern.
func FuzzParsePattern(f *testing.F) {
	for _, seed := range []string{
		"", "/", "//", "api", "/api/hello", "/[id]", "/[...a]", "/[[...a]]", "/[a]/[...b]", "/[a]/[a]", "/[[a]]",
		"/[..a]", "/[…a]", "/[", "/]", "/[]", "/[[[a]]]", "/v[a]", "/[a]-[b]", "/{a}", "/%41", "/%2F", "/%", "/.", "/..",
		"/caf%C3%A9", "/é", "/\xff", "/[a\x00]", "/[ a ]", "/[a.b]", "/[...a]/b", "/]a[", "/[a]]", "/[[a]", "/?", "/[a?]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		segments, err := params.ParsePattern(pattern)
		if err != nil {
			if segments != nil {
				t.Errorf("segments %v beside the error %v", segments, err)
			}
			if !strings.HasPrefix(err.Error(), fmt.Sprintf("pattern %q", pattern)) {
				t.Errorf("the error for %q does not name it: %v", pattern, err)
			}
			return
		}
		if again := written(segments); again != pattern {
			t.Errorf("%q has the segments %v, which are written %q", pattern, segments, again)
		}
		again, err := params.ParsePattern(written(segments))
		if err != nil || !slices.Equal(again, segments) {
			t.Errorf("%q parses as %v, then as %v, %v", pattern, segments, again, err)
		}
		for i, s := range segments {
			if s.Text == "" || s.IsCatchAll() && i != len(segments)-1 {
				t.Errorf("%q: segment %d of %v", pattern, i, segments)
			}
		}
	})
}

func ExampleParsePattern() {
	segments, err := params.ParsePattern("/api/user/[id]/[[...rest]]")
	for _, s := range segments {
		fmt.Printf("%-18s %s\n", s.Kind, s.Text)
	}
	fmt.Println(err)

	_, err = params.ParsePattern("/api/user/{id}")
	fmt.Println(err)
	// Output:
	// static             api
	// static             user
	// param              id
	// optional catch-all rest
	// <nil>
	// pattern "/api/user/{id}": segment "{id}" at offset 10 has braces: parameters are written in brackets, such as [id]
}
