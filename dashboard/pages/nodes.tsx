import type { NodeSummary } from "../../src/dashboard/node-types.ts";
import { useTopic } from "../live.ts";
import { Loaded, Page } from "../ui/page.tsx";
import { Table, type Column } from "../ui/table.tsx";
import { Tag } from "../ui/tag.tsx";
import { bytesText } from "../units.ts";

/** All nodes of the grid, with what is free on them. */
export function Nodes() {
  const state = useTopic("nodes").value;
  return (
    <Loaded title="Grid" state={state}>
      {({ nodes }) => (
        <Page title="Grid" note="Machines that run deployments, billed by what these use.">
          <Table
            caption="Nodes of the grid"
            columns={NODES}
            rows={nodes}
            rowKey={({ nodeId }) => String(nodeId)}
            empty="The grid has no nodes yet."
            sortName="sort"
          />
        </Page>
      )}
    </Loaded>
  );
}

const NODES: readonly Column<NodeSummary>[] = [
  {
    key: "node",
    label: "Node",
    by: ({ nodeId }) => nodeId,
    cell: ({ nodeId }) => (
      <a href={`/nodes/${nodeId}`} class="row-link">
        Node {nodeId}
      </a>
    ),
  },
  { key: "farm", label: "Farm", by: ({ farmName }) => farmName, cell: ({ farmName }) => farmName },
  {
    key: "status",
    label: "Status",
    by: ({ status }) => status,
    cell: ({ status, isRented }) => <Tag tone={status === "up" ? "good" : "warn"}>{isRented ? "rented" : status}</Tag>,
  },
  {
    key: "cores",
    label: "Free cores",
    isNumber: true,
    by: ({ free }) => free.cruCores,
    cell: ({ free, total }) => `${free.cruCores} of ${total.cruCores}`,
  },
  {
    key: "memory",
    label: "Free memory",
    isNumber: true,
    by: ({ free }) => BigInt(free.mruBytes),
    cell: ({ free }) => bytesText(free.mruBytes),
  },
  {
    key: "disk",
    label: "Free SSD",
    isNumber: true,
    isMinor: true,
    by: ({ free }) => BigInt(free.sruBytes),
    cell: ({ free }) => bytesText(free.sruBytes),
  },
  { key: "ips", label: "Free IPs", isNumber: true, isMinor: true, cell: ({ freePublicIps }) => freePublicIps },
  { key: "place", label: "Place", isMinor: true, cell: ({ city, country }) => `${city}, ${country}` },
];
