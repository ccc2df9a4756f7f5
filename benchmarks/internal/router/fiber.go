package router

import (
	"net/http"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

// fiber is the reference for what fasthttp makes possible.
var fiberAdapter = &Adapter{
	Name:     "fiber",
	FastHTTP: true,
	Stack:    true,
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		handlers := make([]fiber.Handler, len(t.Routes))
		patterns := make([]string, len(t.Routes))
		methods := make([][]string, len(t.Routes))
		for i, route := range t.Routes {
			patterns[i], methods[i] = route.Write(":%s", "*"), []string{route.Method}
			names := route.NamesWithStar()
			handlers[i] = func(c fiber.Ctx) error {
				p.Hit(i)
				for _, name := range names {
					p.Param(c.Params(name))
				}
				return nil
			}
			if t.Kind == workload.JSON {
				handlers[i] = func(c fiber.Ctx) error {
					id := c.Params("id")
					p.Hit(i)
					p.Param(id)
					return c.JSON(workload.UserOf(id))
				}
			}
			if t.Kind == workload.Stack {
				handlers[i] = func(c fiber.Ctx) error {
					p.Hit(i)
					return c.SendString(textOf(p, names, func(name string) string { return c.Params(name) }))
				}
			}
		}
		return func() Instance {
			app := fiber.New(fiber.Config{
				StrictRouting: true, CaseSensitive: true, DisableHeadAutoRegister: true,
				ErrorHandler: func(c fiber.Ctx, err error) error {
					code := http.StatusInternalServerError
					if e, ok := err.(*fiber.Error); ok {
						code = e.Code
					}
					c.Status(code)
					return nil
				},
			})
			for range t.Middleware {
				app.Use(func(c fiber.Ctx) error { return c.Next() })
			}
			if t.Kind == workload.Stack {
				for _, handler := range fiberStack(p) {
					app.Use(handler)
				}
			}
			for i := range patterns {
				app.Add(methods[i], patterns[i], handlers[i])
			}
			instance := fastInstance{handler: app.Handler()}
			if t.Kind == workload.Stack {
				instance.origin = workload.Origin
			}
			return instance
		}
	},
	Skip: skips(map[string]string{
		"MiddlewareParam": "is none of net/http",
		"Gzip":            noGzip,
	}),
	MaxRoutes: 1000,
	Why:       "look-ups are linear in the number of routes",
}

type fastInstance struct {
	handler fasthttp.RequestHandler
	origin  string // of the page that sends the requests
}

func (i fastInstance) Worker() Worker { return &fastWorker{fastInstance: i} }

type fastWorker struct {
	fastInstance
	ctx fasthttp.RequestCtx
}

func (x *fastWorker) one(want *workload.Want) {
	x.ctx.Request.Reset()
	x.ctx.Response.Reset()
	x.ctx.Request.Header.SetMethod(want.Method)
	x.ctx.Request.SetRequestURI(want.Path)
	if x.origin != "" {
		x.ctx.Request.Header.Set("Origin", x.origin)
	}
	x.handler(&x.ctx)
}

func (x *fastWorker) Serve(requests []workload.Request) {
	for i := range requests {
		x.one(requests[i].Want)
	}
}

func (x *fastWorker) Answer(request workload.Request) (status int, header http.Header, body []byte) {
	x.one(request.Want)
	header = http.Header{}
	for name, value := range x.ctx.Response.Header.All() {
		header.Add(string(name), string(value))
	}
	return x.ctx.Response.StatusCode(), header, x.ctx.Response.Body()
}
