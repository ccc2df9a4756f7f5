package router

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/cors"
	"github.com/gofiber/fiber/v3"
	fibercors "github.com/gofiber/fiber/v3/middleware/cors"
	fiberlogger "github.com/gofiber/fiber/v3/middleware/logger"
	fiberrecover "github.com/gofiber/fiber/v3/middleware/recover"
	fiberid "github.com/gofiber/fiber/v3/middleware/requestid"
	"github.com/labstack/echo/v5"
	echomiddleware "github.com/labstack/echo/v5/middleware"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

// The middleware of a Stack, in the same order for all: request id, access log,
// recovery, CORS. Each router logs through its own middleware, to the same
// handler of slog.

// sink is a handler of slog that shows each record to a probe, and drops it:
// to write it would cost all routers the same.
type sink struct{ probe *Probe }

func (sink) Enabled(context.Context, slog.Level) bool { return true }
func (s sink) WithAttrs([]slog.Attr) slog.Handler     { return s }
func (s sink) WithGroup(string) slog.Handler          { return s }

func (s sink) Handle(_ context.Context, r slog.Record) error {
	s.probe.Logged(r)
	return nil
}

// access is what an access log tells of a request. apiroutes has the pattern
// besides.
type access struct {
	method, path, id, address string
	status                    int
	bytes                     int64
	duration                  time.Duration
}

// log writes the record for routers that leave it to a function.
func (a access) log(ctx context.Context, l *slog.Logger) {
	l.LogAttrs(ctx, slog.LevelInfo, "request",
		slog.String("method", a.method),
		slog.String("path", a.path),
		slog.Int("status", a.status),
		slog.Int64("bytes", a.bytes),
		slog.Duration("duration", a.duration),
		slog.String("request_id", a.id),
		slog.String("client_ip", a.address))
}

func apiroutesStack(p *Probe) []apiroutes.Middleware {
	return []apiroutes.Middleware{
		middleware.RequestID(),
		middleware.Logger(slog.New(sink{p})),
		middleware.Recover(),
		middleware.CORS(middleware.CORSConfig{Origins: []string{workload.Origin}}),
	}
}

// chiStack has a middleware of its own, for that of chi leaves the id in the
// context. chi's default log formats its line itself, and takes longer.
func chiStack(p *Probe) chi.Middlewares {
	return chi.Middlewares{
		chimiddleware.RequestID,
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Request-Id", chimiddleware.GetReqID(r.Context()))
				next.ServeHTTP(w, r)
			})
		},
		chimiddleware.RequestLogger(chiFormatter{slog.New(sink{p})}),
		chimiddleware.Recoverer,
		cors.Handler(cors.Options{AllowedOrigins: []string{workload.Origin}}),
	}
}

// chiFormatter and chiEntry are how chi's RequestLogger is told what to log.
type chiFormatter struct{ logger *slog.Logger }

func (f chiFormatter) NewLogEntry(r *http.Request) chimiddleware.LogEntry {
	return &chiEntry{f.logger, r}
}

type chiEntry struct {
	logger *slog.Logger
	r      *http.Request
}

func (e *chiEntry) Write(status, bytes int, _ http.Header, elapsed time.Duration, _ any) {
	ctx := e.r.Context()
	access{
		method: e.r.Method, path: e.r.URL.Path, id: chimiddleware.GetReqID(ctx), address: e.r.RemoteAddr,
		status: status, bytes: int64(bytes), duration: elapsed,
	}.log(ctx, e.logger)
}

func (e *chiEntry) Panic(v any, _ []byte) { panic(v) } // no handler does

func echoStack(p *Probe) []echo.MiddlewareFunc {
	logger := slog.New(sink{p})
	return []echo.MiddlewareFunc{
		echomiddleware.RequestID(),
		echomiddleware.RequestLoggerWithConfig(echomiddleware.RequestLoggerConfig{
			HandleError: true, // as in its default
			LogMethod:   true, LogURIPath: true, LogRequestID: true, LogRemoteIP: true,
			LogStatus: true, LogResponseSize: true, LogLatency: true,
			LogValuesFunc: func(c *echo.Context, v echomiddleware.RequestLoggerValues) error {
				access{
					method: v.Method, path: v.URIPath, id: v.RequestID, address: v.RemoteIP,
					status: v.Status, bytes: v.ResponseSize, duration: v.Latency,
				}.log(c.Request().Context(), logger)
				return nil
			},
		}),
		echomiddleware.Recover(),
		echomiddleware.CORS(workload.Origin),
	}
}

func fiberStack(p *Probe) []fiber.Handler {
	logger := slog.New(sink{p})
	return []fiber.Handler{
		fiberid.New(),
		fiberlogger.New(fiberlogger.Config{
			LoggerFunc: func(c fiber.Ctx, data *fiberlogger.Data, _ *fiberlogger.Config) error {
				access{
					method: c.Method(), path: c.Path(), id: fiberid.FromContext(c), address: c.IP(),
					status: c.Response().StatusCode(), bytes: int64(len(c.Response().Body())), duration: data.Stop.Sub(data.Start),
				}.log(c.Context(), logger)
				return nil
			},
		}),
		fiberrecover.New(),
		fibercors.New(fibercors.Config{AllowOrigins: []string{workload.Origin}}),
	}
}
