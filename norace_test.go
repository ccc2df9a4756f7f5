//go:build !race

package apiroutes_test

// raceEnabled tells tests whose figures or run times the race detector changes.
const raceEnabled = false
