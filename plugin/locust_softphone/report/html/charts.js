// Draws the charts of the page from its embedded series: one small chart for each run and kind, with one time axis.
"use strict";

const { width_s: width, seconds, runs } = JSON.parse(document.getElementById("series").textContent);
const perUnit = seconds > 600 ? 60 : 1; // the axis is in minutes where there are many seconds
const perPoint = width > 1 ? `per ${width} s` : "per second";
const plots = [...document.querySelectorAll(".plot")];

/** A variable of the style sheet as a colour, in the current theme. */
function colour(variable) {
  const probe = document.body.appendChild(document.createElement("span"));
  probe.style.color = `var(${variable})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const keysOf = (plot) => plot.closest("section").querySelectorAll(".key i");

// A point covers the `width` seconds from its x on; the last point is repeated, so that it is drawn as wide as the others.
function steps(values, extra) {
  const y = values.concat(values.slice(-1));
  return { x0: 0, dx: width / perUnit, y, mode: "lines", line: { shape: "hv", width: 0 }, ...extra };
}

// The same for values with gaps: all corners, with null for a gap. With `under`, the outline of the area between the two.
function corners(values, under) {
  const x = [];
  const y = [];
  const at = (i) => (i * width) / perUnit;
  for (let begin = 0; begin < values.length; begin++) {
    if (values[begin] === null) continue;
    let end = begin;
    while (end < values.length && values[end] !== null) end++;
    for (let i = begin; i < end; i++) x.push(at(i), at(i + 1)) && y.push(values[i], values[i]);
    for (let i = end - 1; under && i >= begin; i--) x.push(at(i + 1), at(i)) && y.push(under[i], under[i]);
    x.push(null) && y.push(null);
    begin = end;
  }
  return { x, y, mode: "lines", line: { width: 0 } };
}

// Ticks of a logarithmic axis of seconds: powers of ten, with 2 and 5 between them where the axis is short.
function timeTicks(from, to) {
  const factors = to / from > 50 ? [1] : [1, 2, 5];
  const tickvals = [-3, -2, -1, 0, 1, 2, 3].flatMap((power) => factors.map((factor) => factor * 10 ** power));
  return { tickvals, ticktext: tickvals.map((value) => (value < 1 ? `${Math.round(value * 1000)} ms` : `${Math.round(value)} s`)) };
}

const sum = (lists) => (lists[0] || []).map((_, i) => lists.reduce((total, list) => total + (list[i] || 0), 0));
const most = (lists) => lists.flat().reduce((a, b) => (b > a ? b : a), 0);

// Each kind of chart: its traces, its unit and its vertical axis. `keys` are the names of its series with their colours, in the
// order of the legend above it.
const kinds = {
  attempts(run, keys) {
    const stacked = (lists, sign) =>
      keys.filter(([name]) => lists[name]).map(([name, fill]) =>
        steps(lists[name].map((n) => sign * n), {
          name: sign > 0 ? name : `429 ${name}`,
          stackgroup: sign > 0 ? "above" : "below",
          fillcolor: fill,
          customdata: lists[name].concat(lists[name].slice(-1)),
          hovertemplate: "%{customdata}",
        }));
    const up = most(runs.map((each) => most([sum(Object.values(each.attempts))])));
    const down = most(runs.map((each) => most([sum(Object.values(each.limited))])));
    const marks = [...new Set([-down, 0, up])];
    return {
      traces: [...stacked(run.attempts, 1), ...stacked(run.limited, -1)],
      unit: perPoint,
      yaxis: { range: [-down * 1.05, up * 1.05], tickvals: marks, ticktext: marks.map((n) => Math.abs(n)) },
    };
  },

  limits(run, keys) {
    const fills = Object.fromEntries(keys);
    const line = (step, curve, style) => ({
      x: run.limits[step].at_s.map((at) => at / perUnit),
      y: run.limits[step][curve],
      name: curve === "fitted" ? `${step}, as the limit would have` : step,
      mode: "lines",
      line: { shape: "hv", ...style },
      hovertemplate: "%{y}",
    });
    const steps = Object.keys(run.limits);
    return {
      traces: [
        ...steps.map((step) => line(step, "observed", { width: 3, color: fills[step] })),
        ...steps.map((step) => line(step, "fitted", { width: 1.5, dash: "dot", color: fills.fitted })),
      ],
      unit: "requests",
      yaxis: {
        range: [0, most(runs.flatMap((each) => Object.values(each.limits)).flatMap((each) => [each.observed, each.fitted])) * 1.08],
        nticks: 4,
      },
    };
  },

  presence(run, keys) {
    const [planned, connected, inCall] = keys.map(([, fill]) => fill);
    const line = (values, name, extra) => steps(values, { name, hovertemplate: "%{y}", ...extra });
    return {
      traces: [
        line(run.presence.in_call, "answered", { fill: "tozeroy", fillcolor: inCall }),
        line(run.presence.connected, "connected", { line: { shape: "hv", width: 2, color: connected } }),
        line(run.presence.planned, "planned", { line: { shape: "hv", width: 1.5, dash: "dot", color: planned } }),
      ],
      unit: "softphones",
      yaxis: { range: [0, most(runs.map((each) => each.presence.planned)) * 1.08], nticks: 3 },
    };
  },

  closes(run, keys) {
    return {
      traces: keys.filter(([name]) => run.closes[name]).map(([name, fill]) =>
        steps(run.closes[name], { name, stackgroup: "closes", fillcolor: fill, hovertemplate: "%{y}" })),
      unit: perPoint,
      yaxis: { range: [0, most(runs.map((each) => most([sum(Object.values(each.closes))]))) * 1.08], nticks: 3 },
    };
  },

  setup(run, keys) {
    const fills = Object.fromEntries(keys);
    const all = runs.flatMap((each) => Object.values(each.setup)).flat().filter((value) => value > 0);
    const { p50, p95, p99 } = run.setup;
    const band = (values, under, name) =>
      ({ ...corners(values, under), fill: "toself", fillcolor: fills[name], opacity: 0.3, hoverinfo: "skip" });
    const line = (values, name, line) => ({ ...corners(values), name, line, hovertemplate: "%{y:.3s}s" });
    return {
      traces: [
        band(p99, p95, "p99"),
        band(p95, p50, "p95"),
        line(p99, "p99", { width: 1.5, color: fills.p99 }),
        line(p95, "p95", { width: 1.5, color: fills.p95 }),
        line(p50, "p50", { width: 2, color: fills.p50 }),
      ],
      unit: "time",
      yaxis: {
        type: "log",
        range: [Math.log10(Math.min(...all) / 1.5), Math.log10(Math.max(...all) * 1.5)],
        ...timeTicks(Math.min(...all) / 1.5, Math.max(...all) * 1.5),
      },
    };
  },

  retries(run, keys) {
    const { deadline_s, retried_s, too_early } = run.retries;
    const fills = Object.fromEntries(keys);
    const rows = deadline_s.map((_, row) => row);
    const dots = (name, isEarly) => {
      const chosen = rows.filter((row) => Boolean(too_early[row]) === isEarly);
      return {
        x: chosen.map((row) => retried_s[row] / perUnit),
        y: chosen,
        mode: "markers",
        marker: { size: 4, color: fills[name], symbol: isEarly ? "x" : "circle" },
        customdata: chosen.map((row) => Math.abs(deadline_s[row] - retried_s[row]).toFixed(2)),
        hovertemplate: `%{customdata} s ${isEarly ? "too early" : "after its deadline"}<extra></extra>`,
      };
    };
    return {
      traces: [
        dots("honoured", false),
        dots("too_early", true),
        {
          x: deadline_s.map((at) => at / perUnit),
          y: rows,
          mode: "lines",
          line: { width: 1.5, color: fills.deadline },
          hoverinfo: "skip",
        },
      ],
      unit: "retries",
      yaxis: { range: [-2, rows.length + 2], showticklabels: false },
      hovermode: "closest",
    };
  },
};

const PRINTED_WIDTH = 620; // pixels, fits any paper
let printing = false;

function draw(plot) {
  const keys = [...keysOf(plot)].map((key) => [key.dataset.name, colour(key.dataset.colour)]);
  const { traces, unit, yaxis, hovermode } = kinds[plot.dataset.chart](runs[plot.dataset.run], keys);
  const axis = { gridcolor: colour("--line"), linecolor: colour("--line"), zerolinecolor: colour("--soft"), zerolinewidth: 1 };
  const layout = {
    margin: { l: 62, r: 10, t: 6, b: 24 },
    paper_bgcolor: "rgba(0, 0, 0, 0)",
    plot_bgcolor: "rgba(0, 0, 0, 0)",
    font: { family: "system-ui, sans-serif", size: 11, color: colour("--soft") },
    hoverlabel: { bgcolor: colour("--page"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
    showlegend: false,
    hovermode: hovermode || "x unified",
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", // otherwise a finger cannot scroll past the chart
    xaxis: { ...axis, range: [0, seconds / perUnit], ticksuffix: perUnit > 1 ? " min" : " s", zeroline: false },
    yaxis: { ...axis, fixedrange: true, title: { text: unit, standoff: 4 }, ...yaxis },
  };
  if (plot.layout) layout.xaxis.range = plot.layout.xaxis.range;
  if (printing) layout.width = PRINTED_WIDTH;
  Plotly.react(plot, traces, layout, { displayModeBar: false, responsive: true });
}

function first(plot) {
  draw(plot);
  plot.on("plotly_relayout", (change) => zoomed(plot, change));
}

// Zooming one chart zooms all of them to the same time.
let following = false;
async function zoomed(source, change) {
  if (following || !("xaxis.range[0]" in change || "xaxis.autorange" in change)) return;
  following = true;
  const full = [0, seconds / perUnit];
  const range = change["xaxis.autorange"] ? full : [change["xaxis.range[0]"], change["xaxis.range[1]"]];
  await Promise.all(drawn().map((plot) => Plotly.relayout(plot, { "xaxis.range": [...range] })));
  following = false;
}

const drawn = () => plots.filter((plot) => plot.data);
const visible = () => plots.filter((plot) => !plot.parentElement.hidden);

// Missing charts are drawn one at a time, so that the page stays responsive.
function drawMissing() {
  const next = visible().find((plot) => !plot.data);
  if (!next) {
    document.documentElement.dataset.drawn = "all";
    return;
  }
  first(next);
  setTimeout(drawMissing);
}

for (const box of document.querySelectorAll("input[data-run]")) {
  box.addEventListener("change", () => {
    for (const figure of document.querySelectorAll(`figure[data-run="${box.dataset.run}"]`)) figure.hidden = !box.checked;
    drawMissing();
    drawn().forEach((plot) => Plotly.Plots.resize(plot));
  });
}

const redraw = () => drawn().forEach(draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

function print(begins) {
  printing = begins;
  if (begins) document.querySelectorAll("details").forEach((each) => (each.open = true));
  if (begins) visible().filter((plot) => !plot.data).forEach(first);
  redraw();
}
addEventListener("beforeprint", () => print(true));
addEventListener("afterprint", () => print(false));
matchMedia("print").addEventListener("change", (media) => print(media.matches)); // only then do the styles return the printed colours

drawMissing();
