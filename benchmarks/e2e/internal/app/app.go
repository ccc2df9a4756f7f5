// Package app is what the servers of ./e2e share: their answers, and how they
// listen. It needs the standard library only, so that a server is as large as
// its router makes it.
package app

import (
	"encoding/json"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// Hello, User, Files and Data are the answers of the four routes; Data is also
// the body of the last one.
type (
	Hello struct {
		Message string `json:"message"`
	}
	User struct {
		ID string `json:"id"`
	}
	Files struct {
		Path []string `json:"path"`
	}
	Data struct {
		Name string `json:"name"`
		Age  int    `json:"age"`
	}
)

// MaxBody bounds the body of a POST, as apiroutes does by itself.
const MaxBody = 1 << 20

// Serve listens on the port that PORT names and never returns.
func Serve(h http.Handler) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal((&http.Server{Handler: h}).Serve(listener))
}

// Write answers v as JSON with the standard library alone.
func Write(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// WriteData answers a POST.
func WriteData(w http.ResponseWriter, r *http.Request) {
	var data Data
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, MaxBody)).Decode(&data); err != nil {
		http.Error(w, "bad JSON", http.StatusBadRequest)
		return
	}
	Write(w, http.StatusCreated, data)
}

// Split returns the segments of a catch-all.
func Split(rest string) []string { return strings.Split(strings.TrimPrefix(rest, "/"), "/") }
