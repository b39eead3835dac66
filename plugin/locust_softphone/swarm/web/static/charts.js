// The charts of a run, drawn with Plotly from its timeline. The colours are those of palette.py.

const WIDTHS = { started: 6, connected: 4 }; // wider lines stay visible below the others

/** The planned starts. */
export function drawPlan(id, starts, durationS) {
  draw(id, "softphones", [planned(starts)], durationS, { showlegend: false });
}

/** All charts of a run: its metrics from `live`, the planned starts, and its timeline. */
export function drawRun(run, starts, seconds) {
  const endS = Math.max(run.duration_s, run.clock_s, 1);
  const over = seconds.filter(({ second }) => second + 1 < run.clock_s); // connections are counted at a second's end
  const soFar = ["started", "connected", "answered"].map((name) => line(name, untilNow(run.totals[name], seconds, name), run, seconds));
  draw("so-far", "softphones", [planned(starts), ...soFar], endS);
  draw("at-once", "softphones", [["connected", "connected_now"], ["answered", "in_call_now"]].map(
    ([name, key]) => line(name, over.map((second) => second[key] ?? 0), run, over)), endS);
  drawBars("limited", "429s per second", bars(seconds, "rate_limited.", run.rate_limited), endS);
  drawBars("abnormal", "closes per second", bars(seconds, "abnormal_closes.", run.abnormal_closes), endS);
}

function drawBars(id, unit, traces, endS) {
  const none = { text: "none", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5, font: { size: 16 } };
  draw(id, unit, traces, endS, { barmode: "stack", annotations: traces.length ? [] : [none] });
}

/** The total by the end of each second: counted back from now, as a long run's beginning is not in the timeline. */
function untilNow(total, seconds, name) {
  let before = total;
  return seconds.toReversed().map((second) => {
    const then = before;
    before -= second[name] ?? 0;
    return then;
  }).reverse();
}

function planned(starts) {
  const [x, y] = [starts.map(([at]) => at), starts.map(([, number]) => number)];
  return { x, y, name: "planned", mode: "lines", cliponaxis: false, line: { color: colour("--planned"), dash: "dash", width: 2, shape: "hv" } };
}

function line(name, y, run, seconds) {
  const x = seconds.map(({ second }) => Math.min(second + 1, run.clock_s));
  const mode = x.length === 1 ? "markers" : "lines"; // a line needs two points
  return { x, y, name, mode, line: { color: colour(`--${name}`), width: WIDTHS[name] ?? 2 } };
}

/** A trace for each counter that is not zero. */
function bars(seconds, prefix, totals) {
  const names = Object.keys(totals).filter((name) => totals[name]);
  const x = seconds.map(({ second }) => second + 0.5);
  return names.map((name) => ({
    x, y: seconds.map((second) => second[prefix + name] ?? 0),
    name: name.replaceAll("_", " "), type: "bar", width: 1, marker: { color: colour(`--${name.replaceAll("_", "-")}`), line: { width: 1, color: colour("--card") } },
  }));
}

function draw(id, unit, traces, endS, layout = {}) {
  const axis = { gridcolor: colour("--line"), zeroline: false, fixedrange: true };
  Plotly.react(id, traces, {
    margin: { l: 62, r: 14, t: 30, b: 34 },
    font: { color: colour("--ink"), size: 12 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    legend: { orientation: "h", traceorder: "normal", x: 0, y: 1, yanchor: "bottom" },
    showlegend: true,
    hovermode: "x unified",
    hoverlabel: { bgcolor: colour("--card") },
    xaxis: { ...axis, range: [0, endS], ticksuffix: " s", ticklabelstandoff: 4 },
    yaxis: { ...axis, title: { text: unit, standoff: 4 }, rangemode: "tozero", minallowed: 0, autorangeoptions: { include: [4] } }, // avoids fractional ticks
    ...layout,
  }, { responsive: true, displayModeBar: false });
}

/** A colour of the style sheet in the current theme. */
function colour(name) {
  const probe = document.body.appendChild(document.createElement("span"));
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
