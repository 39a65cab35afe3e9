/**
 * Registers a suite that needs a part of the world outside, such as a Docker Engine. Without the part, the suite is left out
 * with one line that says why; but when `SPRF_REQUIRE`, a comma list, names the part, its absence is a failure.
 *
 * @param absent why the part cannot be used, or undefined when it can
 */
export function describeWithPart(
  part: string,
  absent: string | undefined,
  title: string,
  suite: (this: Mocha.Suite) => void,
): void {
  if (absent === undefined) {
    describe(title, suite);
  } else if (isRequired(part)) {
    describe(title, () => {
      it(`should find ${part}, which SPRF_REQUIRE names`, () => {
        throw new Error(`${part} is missing: ${absent}`);
      });
    });
  } else {
    process.stdout.write(`left out: ${title}: ${part} is missing (${absent})\n`);
  }
}

/** Whether `SPRF_REQUIRE` names the part. */
export function isRequired(part: string): boolean {
  return (process.env["SPRF_REQUIRE"] ?? "").split(",").includes(part);
}
