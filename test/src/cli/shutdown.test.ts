import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

import { expect } from "chai";

const FORCED = 130;

describe("cli/shutdown", function () {
  this.timeout(30_000);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`should let work end after one ${signal}, and end at once after two`, async () => {
      const child = spawn(process.execPath, [resolve("test/helpers/shutdown-process.ts")], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = once(child, "close");
      const said: string[] = [];
      for await (const line of createInterface({ input: child.stdout })) {
        said.push(line);
        child.kill(signal);
      }
      expect(said).to.deep.equal(["up", "ending"]);
      expect(await ended).to.deep.equal([FORCED, null]);
    });
  }
});
