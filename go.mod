module github.com/apiroutes/apiroutes

go 1.26.0
