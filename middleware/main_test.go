package middleware_test

import (
	"testing"

	"github.com/apiroutes/apiroutes/testutil"
)

// TestMain fails the package if its tests leave goroutines behind.
func TestMain(m *testing.M) { testutil.Main(m) }
