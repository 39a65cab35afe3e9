import { expect } from "chai";

import { succeed } from "../helpers/command.ts";
import { REGISTRY, dockerAbsence } from "../helpers/docker-programs.ts";
import { describeWithPart } from "../helpers/require-parts.ts";

const SUITE_TIMEOUT_MS = 180_000;

describeWithPart("docker", await dockerAbsence(), "npm start -- --engine docker", function () {
  it("should build and push the image, and end with the state that it leaves anchored", async function () {
    this.timeout(SUITE_TIMEOUT_MS);
    const { stdout } = await succeed(`npm start -- --engine docker --registry ${REGISTRY}`);
    expect(stdout).to.match(new RegExp(`program: ${REGISTRY}/\\S+@sha256:[0-9a-f]{64}$`, "m"));
    expect(stdout).to.match(/anchored: the state after 120 entries .*\n.*\n +current_state: baf\w+\n/);
  });
});
