import { engineCompliance, type EngineFixture } from "../../../compliance/engine.ts";
import { engineDirectories } from "../../../compliance/engine-directories.ts";
import { engineEscapes } from "../../../compliance/engine-escapes.ts";
import { dockerEngineFixture } from "../../../helpers/docker-engine-fixture.ts";
import { dockerAbsence } from "../../../helpers/docker-programs.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";

describeWithPart("docker", await dockerAbsence(), "engine port on a Docker Engine", () => {
  let fixture: Promise<EngineFixture> | undefined;
  const setUp = async (): Promise<EngineFixture> =>
    await (fixture ??= dockerEngineFixture(`engine-compliance-${process.pid}`));
  engineCompliance("docker", setUp);
  engineEscapes("docker", setUp);
  engineDirectories("docker", setUp);
});
