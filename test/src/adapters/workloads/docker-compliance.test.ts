import { workloadsCompliance } from "../../../compliance/workloads.ts";
import { dockerNetworkAbsence, dockerWorkloadsFixture } from "../../../helpers/docker-workloads-fixture.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";

describeWithPart("docker-networks", await dockerNetworkAbsence(), "workloads port on a Docker Engine", () => {
  workloadsCompliance("docker", async () => await dockerWorkloadsFixture(`compliance-${process.pid}`));
});
