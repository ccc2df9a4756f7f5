// Package leaky has a test that passes, and leaves a goroutine behind.
package leaky

import (
	"os"
	"os/signal"
	"testing"

	"github.com/apiroutes/apiroutes/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestLeak(t *testing.T) {
	// The goroutine of os/signal never ends and is no leak.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	if os.Getenv("LEAK") != "" {
		go leaks()
	}
}

func leaks() { select {} }
