const WIDTH = 72;
const HEIGHT = 20;
const INSET = 2;

/** A line of values without axes, as tall as a line of text; the values stand beside it in words. */
export function Sparkline({
  values,
  min,
  max,
}: {
  readonly values: readonly number[];
  readonly min: number;
  readonly max: number;
}) {
  if (values.length < 2) return <span class="spark" aria-hidden="true" />;
  const step = (WIDTH - 2 * INSET) / (values.length - 1);
  const y = (value: number): number => HEIGHT - INSET - ((value - min) / (max - min || 1)) * (HEIGHT - 2 * INSET);
  const points = values.map((value, index) => `${(INSET + index * step).toFixed(1)},${y(value).toFixed(1)}`);
  const [x, last] = (points.at(-1) ?? "0,0").split(",");
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <polyline points={points.join(" ")} />
      <circle cx={x} cy={last} r="1.8" />
    </svg>
  );
}
