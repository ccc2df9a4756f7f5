//go:build race

package roottest

// raceEnabled tells tests whose figures or run times the race detector changes.
const raceEnabled = true
