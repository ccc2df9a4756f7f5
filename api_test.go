package apiroutes_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the listings in testdata/api")

const apiModule = "github.com/apiroutes/apiroutes"

// TestAPIListing makes each change of the exported API visible in review.
func TestAPIListing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ dir, golden string }{
		{".", "testdata/api/apiroutes.txt"},
		{"./fallback", "testdata/api/fallback.txt"},
		{"./middleware", "testdata/api/middleware.txt"},
		{"./params", "testdata/api/params.txt"},
		{"./testutil", "testdata/api/testutil.txt"},
	} {
		got := apiGo(t, ".", "doc", "-all", tt.dir)
		if *update {
			if err := os.MkdirAll(filepath.Dir(tt.golden), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(tt.golden, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(tt.golden)
		if err != nil {
			t.Error(err)
		}
		if diff := apiDiff(string(want), got); diff != "" {
			t.Errorf("go doc -all %s differs from %s:\n%sif that is wanted: go test . -run TestAPI -update", tt.dir, tt.golden, diff)
		}
	}
}

// apiDiff lists the lines that are only in want (-) or only in got (+), with
// their numbers, along a longest common subsequence.
func apiDiff(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	common := make([][]int, len(a)+1) // common[i][j] lines are shared by a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var diff strings.Builder
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			i++
			fmt.Fprintf(&diff, "-%4d %s\n", i, a[i-1])
		default:
			j++
			fmt.Fprintf(&diff, "+%4d %s\n", j, b[j-1])
		}
	}
	return diff.String()
}

// apiName is one exported name of a package.
type apiName struct {
	name       string // Type.name for methods and fields
	kind       string // const, var, type, func, method or field
	documented bool
}

// apiFiles parses the files of a package, on whatever platform they build.
func apiFiles(t *testing.T, dir string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		t.Fatalf("no Go files in %s", dir)
	}
	return files
}

// apiNames lists what a package exports.
func apiNames(t *testing.T, dir string) (names []apiName) {
	t.Helper()
	for _, file := range apiFiles(t, dir) {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				names = append(names, apiName{apiFuncName(d), "func", d.Doc.Text() != ""})
				if d.Recv != nil {
					names[len(names)-1].kind = "method"
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					names = append(names, apiSpec(d, spec)...)
				}
			}
		}
	}
	return slices.DeleteFunc(names, func(n apiName) bool {
		return slices.ContainsFunc(strings.Split(n.name, "."), func(part string) bool { return !token.IsExported(part) })
	})
}

func apiFuncName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	receiver, _, _ := strings.Cut(types.ExprString(d.Recv.List[0].Type), "[") // without type parameters
	return strings.TrimPrefix(receiver, "*") + "." + d.Name.Name
}

// apiSpec lists a type with its fields, or variables, or constants. The
// comment of a group speaks for the group, unless it has one member.
func apiSpec(d *ast.GenDecl, spec ast.Spec) (names []apiName) {
	alone := d.Doc.Text() != "" && len(d.Specs) == 1
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, ident := range s.Names {
			names = append(names, apiName{ident.Name, d.Tok.String(), alone || s.Doc.Text()+s.Comment.Text() != ""})
		}
	case *ast.TypeSpec:
		names = append(names, apiName{s.Name.Name, "type", alone || s.Doc.Text() != ""})
		switch body := s.Type.(type) {
		case *ast.StructType:
			names = append(names, apiFields(s.Name.Name, body.Fields)...)
		case *ast.InterfaceType:
			names = append(names, apiFields(s.Name.Name, body.Methods)...)
		}
	}
	return names
}

// apiFields lists fields. A comment counts for its own field and for those
// below that it names.
func apiFields(of string, fields *ast.FieldList) (names []apiName) {
	last := ""
	for _, field := range fields.List {
		own := field.Doc.Text() + field.Comment.Text()
		if own != "" {
			last = own
		}
		idents := field.Names
		if idents == nil { // embedded
			name := regexp.MustCompile(`\w+$`).FindString(types.ExprString(field.Type))
			idents = []*ast.Ident{ast.NewIdent(name)}
		}
		for _, ident := range idents {
			named, _ := regexp.MatchString(`\b`+ident.Name+`\b`, last)
			names = append(names, apiName{of + "." + ident.Name, "field", own != "" || named})
		}
	}
	return names
}

// TestAPISize holds the package to what a reader can keep in mind.
func TestAPISize(t *testing.T) {
	t.Parallel()
	var level, methods []string
	for _, n := range apiNames(t, ".") {
		switch {
		case n.kind != "method" && n.kind != "field":
			level = append(level, n.name)
		case n.kind == "method" && strings.HasPrefix(n.name, "Context."):
			methods = append(methods, n.name)
		}
	}
	if n := len(level); n == 0 || n > 40 {
		t.Errorf("%d exported names, want at most 40: %q", n, level)
	}
	if n := len(methods); n == 0 || n > 30 {
		t.Errorf("Context has %d methods, want at most 30: %q", n, methods)
	}
}

func TestAPIIsDocumented(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "fallback", "middleware", "params", "testutil"} {
		for _, n := range apiNames(t, dir) {
			if !n.documented {
				t.Errorf("%s: %s %s has no comment", dir, n.kind, n.name)
			}
		}
	}
}

// TestAPIImports: nothing but the standard library, whose import paths have no
// dot, and no package of ours above the ground floor.
func TestAPIImports(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		dir     string
		allowed []string
	}{
		{".", []string{apiModule + "/params"}},
		{"fallback", []string{apiModule}},
		{"internal/writer", []string{apiModule}},
		{"middleware", []string{apiModule, apiModule + "/internal/writer", "github.com/rs/cors"}},
		{"params", nil},
		{"testutil", []string{"github.com/google/go-cmp/cmp"}},
	} {
		for _, file := range apiFiles(t, tt.dir) {
			for _, spec := range file.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				first, _, _ := strings.Cut(path, "/")
				if (path == "C" || strings.Contains(first, ".")) && !slices.Contains(tt.allowed, path) {
					t.Errorf("%s imports %s, besides the standard library it may import %q only", tt.dir, path, tt.allowed)
				}
			}
		}
	}
}

// apiGo runs the go command as one that knows no other module: with an empty
// module cache, offline. It returns what that prints to stdout.
func apiGo(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	if dir != "." {
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOMODCACHE="+t.TempDir())
	}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String()
}

// apiUser makes a module that requires this one, from this folder.
func apiUser(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	all := map[string]string{"go.mod": fmt.Sprintf(
		"module example.com/user\n\ngo 1.26.0\n\nrequire %[1]s v0.0.0\n\nreplace %[1]s => %[2]q\n", apiModule, root)}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestAPIWeighsNothing: a program that imports this package gets no further
// requirement and no checksum from us, whatever our tests and other packages
// use. go mod tidy also loads the tests of each package that is imported, so
// the tests of this package must do without other modules too.
func TestAPIWeighsNothing(t *testing.T) {
	t.Parallel()
	dir := apiUser(t, map[string]string{"main.go": `package main

import (
	"context"

	"` + apiModule + `"
)

func main() { _ = apiroutes.Serve(context.Background(), "127.0.0.1:0", apiroutes.New()) }
`})
	apiGo(t, dir, "mod", "tidy")
	apiGo(t, dir, "build", "-o", filepath.Join(t.TempDir(), "program"), ".")

	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal([]byte(apiGo(t, dir, "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Require) != 1 || mod.Require[0].Path != apiModule || mod.Require[0].Indirect {
		t.Errorf("go.mod requires %+v, want %s alone", mod.Require, apiModule)
	}
	if sum, err := os.ReadFile(filepath.Join(dir, "go.sum")); len(sum) > 0 || err != nil && !os.IsNotExist(err) {
		t.Errorf("go.sum is not empty (%v):\n%s", err, sum)
	}
	packages := strings.Fields(apiGo(t, dir, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "."))
	if want := []string{apiModule + "/params", apiModule, "example.com/user"}; !slices.Equal(packages, want) {
		t.Errorf("the program is built from %q, want %q", packages, want)
	}
}

// repositoryFiles are the files that belong to the project and are not data of
// tests.
func repositoryFiles(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "testdata", "bin", "node_modules", ".next"}, d.Name()):
			return filepath.SkipDir
		case d.Type().IsRegular() && !strings.HasSuffix(path, ".test") && !strings.HasSuffix(path, ".out"):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestRepositoryNamesNoMachine: a path of the machine it was written on means
// nothing to others.
func TestRepositoryNamesNoMachine(t *testing.T) {
	t.Parallel()
	var foreign []string
	if root, err := filepath.Abs("."); err == nil && strings.Count(root, "/") > 1 {
		foreign = append(foreign, root)
	}
	if home, err := os.UserHomeDir(); err == nil {
		foreign = append(foreign, home+"/go/")
		if strings.Count(home, "/") > 1 {
			foreign = append(foreign, home+"/")
		}
	}
	for _, path := range repositoryFiles(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range foreign {
			if strings.Contains(string(text), words) {
				t.Errorf("%s names %s", path, words)
			}
		}
	}
}

// TestRepositoryModules: one Go version for all, and no toolchain line, which
// would make users download one.
func TestRepositoryModules(t *testing.T) {
	t.Parallel()
	found := 0
	for _, path := range repositoryFiles(t) {
		if filepath.Base(path) != "go.mod" {
			continue
		}
		found++
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := regexp.MustCompile(`(?m)^(go|toolchain)\s.*`).FindAllString(string(text), -1); !slices.Equal(got, []string{"go 1.26.0"}) {
			t.Errorf("%s says %q, want go 1.26.0 alone", path, got)
		}
	}
	if found == 0 {
		t.Error("no go.mod found")
	}
}
