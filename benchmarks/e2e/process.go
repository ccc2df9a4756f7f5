package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is how a server is started; it listens on the port that PORT names.
type server struct {
	name    string
	folder  string
	command []string
}

// process is a server that runs, in a process group of its own.
type process struct {
	server
	command *exec.Cmd
	address string
	exited  chan error
	// What it took from the start to the first right answer.
	startUp time.Duration
	idle    int64 // bytes of resident memory after that
}

// start starts a server and waits for its first answer.
func (s server) start() (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	arguments := make([]string, len(s.command))
	for i, argument := range s.command {
		arguments[i] = strings.ReplaceAll(argument, "$PORT", port)
	}
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Dir = s.folder
	command.Env = append(os.Environ(), "PORT="+port, "NODE_ENV=production", "NEXT_TELEMETRY_DISABLED=1", "GOMAXPROCS=1")
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begin := time.Now()
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{server: s, command: command, address: "127.0.0.1:" + port, exited: make(chan error, 1)}
	go func() { p.exited <- command.Wait() }()
	for deadline := begin.Add(30 * time.Second); ; {
		if err = p.answers(); err == nil {
			break
		}
		select {
		case exit := <-p.exited:
			return nil, fmt.Errorf("%s ended: %v", s.name, exit)
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.stop()
			return nil, fmt.Errorf("%s does not answer: %w", s.name, err)
		}
	}
	p.startUp = time.Since(begin)
	p.idle = p.resident()
	return p, nil
}

// answers tries the first route.
func (p *process) answers() error {
	c, err := dial(p.address)
	if err != nil {
		return err
	}
	defer c.close()
	return c.verify(routes[0])
}

// stop ends the process and what it started.
func (p *process) stop() {
	_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
	<-p.exited
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// ticksPerSecond is USER_HZ, which Linux fixes at 100 for what /proc tells.
const ticksPerSecond = 100

// cpu is the CPU time of the process and of those in its group, which is
// where the workers of some servers are.
func (p *process) cpu() (total time.Duration) {
	p.each(func(fields []string) {
		for _, field := range []int{13, 14} { // utime and stime
			ticks, _ := strconv.ParseInt(fields[field], 10, 64)
			total += time.Duration(ticks) * time.Second / ticksPerSecond
		}
	})
	return total
}

// resident is the memory of the same processes.
func (p *process) resident() (total int64) {
	p.each(func(fields []string) {
		pages, _ := strconv.ParseInt(fields[23], 10, 64)
		total += pages * int64(os.Getpagesize())
	})
	return total
}

// each calls f with the fields of /proc/PID/stat, counted from 0, of every
// process in the group.
func (p *process) each(f func(fields []string)) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil { // it has ended meanwhile
			continue
		}
		fields := parseStat(string(text))
		if len(fields) > 23 && fields[4] == strconv.Itoa(p.command.Process.Pid) {
			f(fields)
		}
	}
}

// parseStat splits /proc/PID/stat; the name of the command, in parentheses, may
// have spaces and parentheses.
func parseStat(text string) []string {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return nil
	}
	fields := []string{strings.TrimSpace(text[:open]), text[open+1 : end]}
	return append(fields, strings.Fields(text[end+1:])...)
}
