package apiroutes_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docsBlock is a fenced block of a Markdown file.
type docsBlock struct {
	file     string
	line     int // of its first line of text
	language string
	text     string
}

func (b docsBlock) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// docsParse splits a Markdown file into its fenced blocks and the prose
// between them.
func docsParse(t *testing.T, file string) (blocks []docsBlock, prose string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var outside strings.Builder
	var open *docsBlock
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && open == nil:
			open = &docsBlock{file: file, line: number + 1, language: strings.TrimSpace(fence)}
		case isFence:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += line
		default:
			outside.WriteString(line)
		}
	}
	if open != nil {
		t.Errorf("%v: the block is not closed", open)
	}
	return blocks, outside.String()
}

// docsFiles are all Markdown files of the project, of which README.md is one.
func docsFiles(t *testing.T) (files []string) {
	t.Helper()
	if _, err := os.Stat("README.md"); err != nil {
		t.Fatalf("there is no README.md: %v", err)
	}
	for _, path := range repositoryFiles(t) {
		if filepath.Ext(path) == ".md" {
			files = append(files, path)
		}
	}
	return files
}

// TestDocsPrograms vets every complete program that the documentation shows.
func TestDocsPrograms(t *testing.T) {
	t.Parallel()
	programs := map[string]string{}
	for _, file := range docsFiles(t) {
		blocks, _ := docsParse(t, file)
		for _, b := range blocks {
			if b.language != "go" || !strings.HasPrefix(b.text, "package main") {
				continue
			}
			// A folder for each, with the padding that makes vet name the right line.
			name := fmt.Sprintf("%s/line%d/main.go", strings.ReplaceAll(file, ".", "_"), b.line)
			programs[name] = strings.Repeat("\n", b.line-1) + b.text
		}
	}
	if len(programs) == 0 {
		t.Fatal("the documentation shows no program")
	}
	dir := apiUser(t, programs)
	apiGo(t, dir, "mod", "tidy")
	apiGo(t, dir, "vet", "./...")
}

// docsPackages are the packages that a snippet may use without importing them.
var docsPackages = map[string]string{
	"apiroutes": apiModule, "params": apiModule + "/params", "fallback": apiModule + "/fallback", "middleware": apiModule + "/middleware",
	"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "multipart": "mime/multipart", "slog": "log/slog", "sql": "database/sql", "time": "time",
}

// docsSnippet makes a file of package snippets of a block: declarations as they
// are, statements as those of a function that has a router r.
func docsSnippet(name string, b docsBlock) string {
	declares := strings.HasPrefix(b.text, "func ") || strings.HasPrefix(b.text, "type ")
	var imports strings.Builder
	for name, path := range docsPackages {
		if name == "apiroutes" && !declares || strings.Contains(b.text, name+".") {
			fmt.Fprintf(&imports, "import %q;", path)
		}
	}
	if declares {
		return fmt.Sprintf("package snippets; %s\n//line %v\n%s", imports.String(), b, b.text)
	}
	return fmt.Sprintf("package snippets; %s func %s(r *apiroutes.Router) {\n//line %v\n%s}\n", imports.String(), name, b, b.text)
}

// TestDocsSnippets compiles what the guides show of a program.
func TestDocsSnippets(t *testing.T) {
	t.Parallel()
	programs := map[string]string{"find.go": "package snippets\n\nimport \"context\"\n\nfunc find(context.Context, string) (any, error) { return nil, nil }\n"}
	for i, file := range []string{"docs/from-nextjs.md", "docs/middleware.md"} {
		before := len(programs)
		blocks, _ := docsParse(t, file)
		for _, b := range blocks {
			if b.language == "go" {
				name := fmt.Sprintf("snippet%d_%d", i, b.line)
				programs[name+".go"] = docsSnippet(name, b)
			}
		}
		if n := len(programs) - before; n < 10 {
			t.Errorf("%s has %d snippets", file, n)
		}
	}
	// As a package of this module, since a user's would need what the tests of
	// package fallback import.
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	temp := t.TempDir()
	for name, text := range programs {
		file := filepath.Join(temp, name)
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join("internal", "snippets", name)] = file
	}
	replace, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(temp, "overlay.json")
	if err := os.WriteFile(list, replace, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "./internal/snippets").CombinedOutput(); err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
}

// docsCommands are the commands that the README may tell people to run, each
// of which something runs: CI, or TestDocsInstall.
var docsCommands = []*regexp.Regexp{
	regexp.MustCompile(`^go run \./examples/\w+$`),
	regexp.MustCompile(`^go test \./\.\.\.$`),
	regexp.MustCompile(`^go get github\.com/apiroutes/apiroutes$`),
	regexp.MustCompile(`^go mod edit (-require \S+ )?-replace \S+$`),
}

// docsShell lists the lines of the README's shell blocks.
func docsShell(t *testing.T) (lines []string) {
	t.Helper()
	docsFiles(t)
	blocks, _ := docsParse(t, "README.md")
	for _, b := range blocks {
		switch b.language {
		case "sh":
			lines = append(lines, strings.Split(strings.TrimSpace(b.text), "\n")...)
		case "bash", "shell", "console", "":
			t.Errorf("%v: a block in %q is looked at by nobody: commands are written in sh", b, b.language)
		}
	}
	return lines
}

func TestDocsCommands(t *testing.T) {
	t.Parallel()
	lines := docsShell(t)
	for _, pattern := range docsCommands {
		found := false
		for _, line := range lines {
			found = found || pattern.MatchString(line)
		}
		if !found {
			t.Errorf("no sh block of README.md has a command such as %s", pattern)
		}
	}
	for _, line := range lines {
		allowed := false
		for _, pattern := range docsCommands {
			allowed = allowed || pattern.MatchString(line)
		}
		if !allowed {
			t.Errorf("README.md tells to run %q, which nothing in CI runs", line)
		}
		if example, ok := strings.CutPrefix(line, "go run "); ok {
			if _, err := os.Stat(filepath.Join(example, "main.go")); err != nil {
				t.Errorf("README.md tells to run %q: %v", line, err)
			}
		}
	}
}

// TestDocsInstall follows the README from a new module to a program that
// builds, by way of the checkout, for the other way needs a network.
func TestDocsInstall(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	if err := os.Symlink(root, filepath.Join(work, "apiroutes")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	dir := filepath.Join(work, "program")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	blocks, _ := docsParse(t, "README.md")
	for _, b := range blocks {
		if b.language == "go" && strings.HasPrefix(b.text, "package main") {
			if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(b.text), 0o666); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	apiGo(t, dir, "mod", "init", "example.com/program")
	for _, line := range docsShell(t) {
		if strings.HasPrefix(line, "go mod edit ") {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
		}
	}
	apiGo(t, dir, "mod", "tidy")
	apiGo(t, dir, "vet", ".")
}

// docsLink finds the target of a link or image. Code is removed before, for
// "f[i](x)" looks like one.
var (
	docsLink = regexp.MustCompile(`\]\(([^)\s]+)(?:\s+"[^"]*")?\)`)
	docsCode = regexp.MustCompile("`[^`]*`")
)

// TestDocsLinks: a relative link leads to a file, and its fragment to a
// heading.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	relative := 0
	for _, file := range docsFiles(t) {
		_, prose := docsParse(t, file)
		for _, m := range docsLink.FindAllStringSubmatch(docsCode.ReplaceAllString(prose, "code"), -1) {
			target, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: link %s: %v", file, m[1], err)
				continue
			}
			if target.Scheme != "" {
				continue // nobody else's site is asked in a test
			}
			relative++
			to := file
			if target.Path != "" {
				to = filepath.Join(filepath.Dir(file), target.Path)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: link %s: %v", file, m[1], err)
				continue
			}
			if target.Fragment != "" && !docsHasHeading(t, to, target.Fragment) {
				t.Errorf("%s: link %s: %s has no such heading", file, m[1], to)
			}
		}
	}
	if relative == 0 {
		t.Error("no relative link found, of which the README has some")
	}
}

// docsHasHeading reports whether a Markdown file has a heading that GitHub
// gives this anchor: lower case, hyphens for spaces, no other punctuation.
func docsHasHeading(t *testing.T, file, anchor string) bool {
	t.Helper()
	_, prose := docsParse(t, file)
	for line := range strings.Lines(prose) {
		if heading := strings.TrimLeft(line, "#"); heading != line {
			text := regexp.MustCompile(`[^\pL\pN_ -]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			if strings.ReplaceAll(text, " ", "-") == anchor {
				return true
			}
		}
	}
	return false
}
