package testutil

import "testing"

// SetMaxBody bounds bodies for the rest of a test, which is not parallel.
func SetMaxBody(t testing.TB, n int) {
	before := maxBody
	maxBody = n
	t.Cleanup(func() { maxBody = before })
}
