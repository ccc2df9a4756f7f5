package apiroutes

import (
	"encoding"
	"fmt"
	"math"
	"mime/multipart"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
)

// This file fills the fields of a struct from a form. Names are flat: nothing
// in a client's text, no index and no dot, chooses what is allocated.

// formField is a field of a struct that a form may fill.
type formField struct {
	name  string // in the form
	index []int  // as in reflect.StructField
	file  bool   // a file, or several
	many  bool   // a slice
	set   func(v reflect.Value, text string) (expected string)
}

// formPlan is what is known of a struct type.
type formPlan struct {
	fields []formField
	files  bool
	err    error // a mistake of the program
}

var formPlans sync.Map // of reflect.Type to *formPlan

// structTarget is the target of a pointer to a struct, or of what only JSON
// can fill.
func structTarget(v any) (target, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer {
		return target{json: true}, nil
	}
	t := p.Type().Elem()
	pointers := t.Kind() == reflect.Pointer
	if pointers {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return target{json: true}, nil
	}
	cached, ok := formPlans.Load(t)
	if !ok {
		cached, _ = formPlans.LoadOrStore(t, planForm(t))
	}
	switch plan := cached.(*formPlan); {
	case plan.err != nil:
		return target{}, plan.err
	case len(plan.fields) == 0:
		return target{json: true}, nil
	case pointers:
		return target{}, fmt.Errorf("apiroutes: Decode into %T: a form fills a struct: pass the pointer to it", v)
	case p.IsNil():
		return target{}, errNilPointer
	default:
		// JSON would fill a FileHeader with a client's claims about no file.
		return target{json: !plan.files, form: func(form *multipart.Form) error { return plan.fill(p.Elem(), form) }}, nil
	}
}

// planForm reads the tags of a struct type.
func planForm(t reflect.Type) *formPlan {
	plan := new(formPlan)
	names := map[string]string{}
	for _, f := range reflect.VisibleFields(t) {
		name, tagged := f.Tag.Lookup("form")
		if !tagged || name == "-" {
			continue
		}
		wrong := func(format string, args ...any) *formPlan {
			return &formPlan{err: fmt.Errorf("apiroutes: Decode into %s: field %s: %s", t, f.Name, fmt.Sprintf(format, args...))}
		}
		other, twice := names[name]
		switch {
		case name == "" || strings.Contains(name, ","):
			return wrong("the tag form:%q is not a name: tags of forms have no options", name)
		case !f.IsExported():
			return wrong("it has a form tag but is not exported")
		case twice:
			return wrong("it has the form name %q of field %s", name, other)
		}
		if _, err := reflect.New(t).Elem().FieldByIndexErr(f.Index); err != nil {
			return wrong("it is embedded by a pointer: embed the struct itself")
		}
		field := formField{name: name, index: f.Index}
		if !field.plan(f.Type) {
			return wrong("a form cannot fill the type %s", f.Type)
		}
		names[name] = f.Name
		plan.files = plan.files || field.file
		plan.fields = append(plan.fields, field)
	}
	return plan
}

var (
	fileType     = reflect.TypeFor[*multipart.FileHeader]()
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// plan finds how a field of type t is set, and whether it can be.
func (f *formField) plan(t reflect.Type) bool {
	if f.set = setterOf(t); f.set == nil && t.Kind() == reflect.Slice {
		f.many, t = true, t.Elem()
		f.set = setterOf(t)
	}
	f.file = t == fileType
	return f.file || f.set != nil
}

// setterOf returns the function that sets a value of type t from text, and
// returns what was expected if the text does not fit; nil for a type that text
// cannot set.
func setterOf(t reflect.Type) func(v reflect.Value, text string) (expected string) {
	switch {
	case reflect.PointerTo(t).Implements(textType):
		return func(v reflect.Value, text string) string {
			if v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)) == nil {
				return ""
			} else if t == timeType {
				return "a time such as 2006-01-02T15:04:05Z"
			}
			return "valid"
		}
	case t == durationType:
		return func(v reflect.Value, text string) string {
			d, err := time.ParseDuration(text)
			v.SetInt(int64(d))
			return unless(err == nil, "a duration such as 1h30m")
		}
	case t.Kind() == reflect.Pointer:
		set := setterOf(t.Elem())
		if set == nil {
			return nil
		}
		return func(v reflect.Value, text string) string {
			if text == "" && t.Elem().Kind() != reflect.String {
				return "" // an input that was left empty
			}
			v.Set(reflect.New(t.Elem()))
			return set(v.Elem(), text)
		}
	}
	expected := typeName(t)
	switch kind := t.Kind(); {
	case kind == reflect.String:
		return func(v reflect.Value, text string) string { v.SetString(text); return "" }
	case kind == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return func(v reflect.Value, text string) string { v.SetBytes([]byte(text)); return "" }
	case kind == reflect.Bool:
		return func(v reflect.Value, text string) string {
			on, err := strconv.ParseBool(text)
			v.SetBool(on || text == "on") // what a checkbox sends
			return unless(err == nil || text == "on", expected)
		}
	case reflect.Int <= kind && kind <= reflect.Int64:
		return func(v reflect.Value, text string) string {
			n, err := strconv.ParseInt(text, 10, t.Bits())
			v.SetInt(n)
			return unless(err == nil, expected)
		}
	case reflect.Uint <= kind && kind < reflect.Uintptr:
		return func(v reflect.Value, text string) string {
			n, err := strconv.ParseUint(text, 10, t.Bits())
			v.SetUint(n)
			return unless(err == nil, expected)
		}
	case kind == reflect.Float32, kind == reflect.Float64:
		return func(v reflect.Value, text string) string {
			n, err := strconv.ParseFloat(text, t.Bits())
			v.SetFloat(n)
			return unless(err == nil && !math.IsInf(n, 0) && !math.IsNaN(n), expected)
		}
	}
	return nil
}

func unless(ok bool, expected string) string {
	if ok {
		return ""
	}
	return expected
}

// fill sets the fields of the struct v that the form has, and tells of all that
// do not fit.
func (p *formPlan) fill(v reflect.Value, form *multipart.Form) error {
	var wrong []*Error
	for _, f := range p.fields {
		if problem := f.fill(v.FieldByIndex(f.index), form); problem != "" {
			wrong = append(wrong, fieldError(f.name, problem))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	var messages []string
	all := *wrong[0]
	all.Fields = nil
	for _, e := range wrong {
		messages = append(messages, e.Message)
		all.Fields = append(all.Fields, e.Fields...)
	}
	all.Message = strings.Join(messages, "; ")
	return &all
}

// fill sets one field, and returns what is wrong with what the form has for it.
func (f *formField) fill(v reflect.Value, form *multipart.Form) (problem string) {
	texts, files := form.Value[f.name], form.File[f.name]
	if f.file {
		for _, text := range texts {
			if text != "" { // an input without a file sends an empty text
				return "must be a file"
			}
		}
		switch {
		case len(files) == 0:
		case f.many:
			v.Set(reflect.ValueOf(files))
		case len(files) > 1:
			return fmt.Sprintf("is given %d times: give it once", len(files))
		default:
			v.Set(reflect.ValueOf(files[0]))
		}
		return ""
	}
	switch {
	case len(files) > 0:
		return "is a file, which is not accepted"
	case len(texts) == 0:
		return ""
	case !f.many && len(texts) > 1:
		return fmt.Sprintf("is given %d times: give it once", len(texts))
	case !f.many:
		return f.setText(v, texts[0])
	}
	all := reflect.MakeSlice(v.Type(), len(texts), len(texts))
	for i, text := range texts {
		if problem := f.setText(all.Index(i), text); problem != "" {
			return problem
		}
	}
	v.Set(all)
	return ""
}

func (f *formField) setText(v reflect.Value, text string) (problem string) {
	switch expected := f.set(v, text); {
	case expected == "":
		return ""
	case text == "":
		return "is empty: it must be " + expected
	default:
		return fmt.Sprintf("must be %s, not %q", expected, cut(text, 64))
	}
}
