package report

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/apiroutes/apiroutes/benchmarks/internal/measure"
)

// palette is that of Okabe and Ito, which colour-blind people can tell apart.
// Neighbours differ in lightness, and the legend has the order of the bars.
var palette = []color.RGBA{
	{0x00, 0x00, 0x00, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x00, 0x72, 0xb2, 0xff}, {0x56, 0xb4, 0xe9, 0xff},
	{0x00, 0x9e, 0x73, 0xff}, {0xf0, 0xe4, 0x42, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0xcc, 0x79, 0xa7, 0xff},
}

// pictured are the routers of the picture, at most as many as there are
// colours.
var pictured = []string{Ours, "ServeMux", "chi", "gin", "echo", "fox", "aero", "httptreemux"}

// Plot draws the speed of routers on each workload relative to the fastest.
func (r *Run) Plot(file, title string) error {
	workloads := names(r.Cells, func(c *measure.Cell) string { return c.Workload })
	routers := slices.DeleteFunc(slices.Clone(pictured), func(name string) bool { return r.kinds[name] == nil })
	if len(workloads) == 0 || len(routers) == 0 {
		return fmt.Errorf("nothing to draw: of %v, nothing was measured", pictured)
	}
	p := plot.New()
	p.Title.Text = "Speed relative to the fastest router of each workload\n" + title
	p.Title.Padding = vg.Points(8)
	p.Y.Label.Text = "fastest = 1, higher is better; no bar: cannot do it"
	p.Y.Min, p.Y.Max = 0, 1
	p.Legend.Top, p.Legend.Padding = true, vg.Points(3)
	p.Legend.XOffs = vg.Points(90)
	p.BackgroundColor = color.White
	horizontal := plotter.NewGrid()
	horizontal.Vertical.Color = nil
	p.Add(horizontal)

	width := vg.Points(60) / vg.Length(len(routers)+1)
	var labels []string
	for _, on := range workloads {
		labels = append(labels, fmt.Sprintf("%s\n%.0f ns", on, r.fastest(on, routers)))
	}
	for i, name := range routers {
		bars, err := plotter.NewBarChart(r.speeds(name, workloads, routers), width)
		if err != nil {
			return err
		}
		bars.Color = palette[i]
		bars.LineStyle.Width = vg.Points(0.4)
		bars.Offset = width * vg.Length(2*i-len(routers)+1) / 2
		p.Add(bars)
		p.Legend.Add(name, bars)
	}
	p.NominalX(labels...)
	return save(p, file, vg.Points(70)*vg.Length(len(workloads))+vg.Points(160))
}

// fastest returns the smallest time on a workload.
func (r *Run) fastest(on string, routers []string) (ns float64) {
	for _, name := range routers {
		if c := r.get(name, on); c != nil && (ns == 0 || c.NS < ns) {
			ns = c.NS
		}
	}
	return ns
}

// speeds is 1 where the router is the fastest and 0 where it cannot do it.
func (r *Run) speeds(name string, workloads, routers []string) (values plotter.Values) {
	for _, on := range workloads {
		value := 0.0
		if c := r.get(name, on); c != nil {
			value = r.fastest(on, routers) / c.NS
		}
		values = append(values, value)
	}
	return values
}

// save leaves room for the legend at the right.
func save(p *plot.Plot, file string, width vg.Length) error {
	height := vg.Points(330)
	canvas, err := draw.NewFormattedCanvas(width, height, "svg")
	if err != nil {
		return err
	}
	p.Draw(draw.Crop(draw.New(canvas), vg.Points(6), -vg.Points(100), vg.Points(6), -vg.Points(6)))
	return writeTo(file, canvas)
}
