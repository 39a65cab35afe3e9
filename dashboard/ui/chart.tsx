import { useEffect, useRef } from "preact/hooks";
import UPlot, { type AlignedData, type Options } from "uplot";
import "uplot/dist/uPlot.min.css";

/** Room for the largest amount that is written there. */
const AXIS_WIDTH = 92;

/** A line of a chart. */
export interface ChartSeries {
  readonly label: string;
  /** A custom property of the style sheet that holds its colour, such as `--accent`. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly isDashed?: boolean;
  readonly isFilled?: boolean;
}

export interface ChartProps {
  /** What it shows, for those who do not see it: the numbers stand in a table beside it. */
  readonly label: string;
  readonly x: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly height: number;
  /** A value holds until the next one. */
  readonly isStepped?: boolean;
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
  readonly range?: readonly [number, number];
  /** Pixels that a value below the chart takes. @default uPlot's own, 50 */
  readonly spaceX?: number;
}

/** A chart by uPlot that follows the page's width and colours. */
export function Chart(props: ChartProps) {
  const { label, height, x, series } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const shape = `${series.map((each) => `${each.label}${each.colour}`).join()}${height}`;

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new UPlot(optionsFor(props, element), dataOf(props), element);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    const colours = window.matchMedia("(prefers-color-scheme: dark)");
    colours.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      colours.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = null;
    };
    // The lines of a chart change with their values only: those are set below.
  }, [shape]);
  useEffect(() => plot.current?.setData(dataOf(props)), [x, series]);

  return <div class="chart" ref={box} role="img" aria-label={label} style={{ height: `${height}px` }} />;
}

function dataOf({ x, series }: ChartProps): AlignedData {
  return [[...x], ...series.map(({ values }) => [...values])];
}

function optionsFor(
  { series, height, isStepped, formatX, formatY, range, spaceX }: ChartProps,
  element: HTMLElement,
): Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--muted"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  const stepped = UPlot.paths.stepped?.({ align: 1 });
  return {
    width: element.clientWidth,
    height,
    cursor: { show: false },
    legend: { show: false },
    scales: { x: { time: false }, ...(range === undefined ? {} : { y: { range: [...range] as [number, number] } }) },
    axes: [
      { ...axis, values: (_, splits) => splits.map(formatX), ...(spaceX === undefined ? {} : { space: spaceX }) },
      { ...axis, size: AXIS_WIDTH, values: (_, splits) => splits.map(formatY) },
    ],
    series: [
      {},
      ...series.map(({ label, colour: name, isDashed, isFilled }) => ({
        label,
        stroke: colour(name),
        width: 2,
        points: { show: false },
        ...(isStepped === true && stepped !== undefined ? { paths: stepped } : {}),
        ...(isDashed === true ? { dash: [4, 4] } : {}),
        ...(isFilled === true ? { fill: `color-mix(in srgb, ${colour(name)} 14%, transparent)` } : {}),
      })),
    ],
  };
}
