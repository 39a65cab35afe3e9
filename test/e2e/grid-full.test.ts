import { dockerNetworkAbsence } from "../helpers/docker-workloads-fixture.ts";
import { gridSuite } from "../helpers/grid-suite.ts";

// 3 nodes on 2 farms, 3 users, 12 deployments, in the middle of one of which its node is killed.
gridSuite(
  "a grid of two farms under kill -9",
  {
    nodesOfFarms: [2, 1],
    deploymentsOfUsers: [3, 4, 4],
    killsWhileDeploying: true,
    intervalSeconds: 30,
    graceSeconds: 90,
    skipsTime: false,
    timeoutMs: 1_200_000,
  },
  await dockerNetworkAbsence(),
);
