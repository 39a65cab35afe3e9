/** What a coverage report says of one source. */
export interface FileCoverage {
  readonly path: string;
  /** Lines that hold code. */
  readonly lines: number;
  /** The numbers of those that never ran, in order. */
  readonly uncovered: readonly number[];
}

/** Reads an lcov tracefile: `SF:` begins a source, each `DA:<line>,<count>` is one of its lines. */
export function readLcov(text: string): FileCoverage[] {
  return text
    .split("end_of_record")
    .map((record) => record.trim().split("\n"))
    .flatMap((record) => {
      const path = record.find((line) => line.startsWith("SF:"))?.slice("SF:".length);
      if (path === undefined) return [];
      const counts = record
        .filter((line) => line.startsWith("DA:"))
        .map((line) => line.slice("DA:".length).split(",").map(Number) as [number, number]);
      const uncovered = counts.filter(([, count]) => count === 0).map(([line]) => line);
      return [{ path, lines: counts.length, uncovered: uncovered.toSorted((a, b) => a - b) }];
    });
}
