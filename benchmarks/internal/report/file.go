package report

import (
	"io"
	"os"
)

// writeTo writes a file, and reports what only closing it tells.
func writeTo(file string, content io.WriterTo) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := content.WriteTo(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
