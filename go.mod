module github.com/apiroutes/apiroutes

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/klauspost/compress v1.20.3
	github.com/rs/cors v1.11.1
)
