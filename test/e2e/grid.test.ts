import { dockerNetworkAbsence } from "../helpers/docker-workloads-fixture.ts";
import { gridSuite } from "../helpers/grid-suite.ts";

// A node for each of two farms; `grid-full.test.ts` is the whole of it.
gridSuite(
  "a grid under kill -9",
  {
    nodesOfFarms: [1, 1],
    deploymentsOfUsers: [2, 2, 1],
    killsWhileDeploying: false,
    intervalSeconds: 60,
    graceSeconds: 300,
    skipsTime: true,
    timeoutMs: 600_000,
  },
  await dockerNetworkAbsence(),
);
