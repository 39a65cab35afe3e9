// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    AccountView,
    Consumption,
    ContractState,
    ContractView,
    DeletionCause,
    Limits,
    ReportOutcome
} from "../types/GridContractTypes.sol";

/// @title Deployments on nodes, and what they cost
/// @notice A contract belongs to a twin, the user; one on a node concerns the node's twin as well. Nobody else moves it.
///
/// **Time** is cut into the registry's intervals. A report made in one keeps the contract's bill running to the end of
/// the interval after the next one: no report for two whole intervals stops the bill. A contract that the node does not
/// confirm is over at the end of the interval after that of its creation.
///
/// **Rates** are in 2^-20 of 1e-7 USD per hour, see Billing. What a contract costs follows its last report, each figure
/// clipped to the contract's limit, and its public IPs, which count from creation. A contract on a node that its user
/// rents pays for IPs and traffic alone.
///
/// **Money**: each user has one balance that everything is paid from, to the second, as if somebody settled it all the
/// time: nobody has to, anybody may, and order and number of settlements change nothing. Inside, amounts are in grains of
/// 2^-52 wei, so that nothing is ever rounded between what a user spends and what contracts earn. The discount is decided
/// at the start of each interval by how long the balance lasts; until the next one, withdrawals and more use may lower it
/// and nothing raises it. Names are sold without a discount.
///
/// **Out of funds**: at the last second that the balance pays, all contracts of the user enter the grace period. Nothing is
/// served; what nodes report to keep costs a share of its price, `graceShare`, as a debt. A deposit that covers the debt
/// and an hour of what runs brings everything back. Otherwise all contracts are over `graceSeconds` later, and the debt
/// with them.
///
/// **Revenue** is credited by the shares of the contract's pricing policy whenever somebody settles the contract, and
/// taken out by whom it belongs to.
interface IGridContracts {
    event Deposited(uint256 indexed twinId, uint256 amount);
    event Withdrawn(uint256 indexed twinId, address indexed account, uint256 amount);
    /// @notice The user's balance was used up at this moment; its contracts are kept until `graceUntil`.
    event OutOfFunds(uint256 indexed twinId, uint256 depletedAt, uint256 graceUntil);
    /// @notice The user paid `debtGrains` for the grace period, and everything that was not over runs again.
    event Recovered(uint256 indexed twinId, uint256 debtGrains);
    /// @notice The grace period ended unpaid: all contracts of the user until then are over.
    event GraceEnded(uint256 indexed twinId, uint256 endedAt);
    /// @notice A node contract was made, see `DeploymentData` for what came with it.
    event ContractCreated(
        uint256 indexed contractId,
        uint256 indexed twinId,
        uint256 indexed nodeId,
        bytes32 deploymentHash,
        uint256 publicIps,
        Limits limits
    );
    event RentContractCreated(uint256 indexed contractId, uint256 indexed twinId, uint256 indexed nodeId, uint256 rate);
    event NameContractCreated(uint256 indexed contractId, uint256 indexed twinId, string name, uint256 rate);
    /// @notice The deployment's body, which only its user can read; `ContractView.dataBlock` says where the newest is.
    event DeploymentData(uint256 indexed contractId, bytes data);
    event ContractUpdated(uint256 indexed contractId, bytes32 deploymentHash, uint256 indexed byTwinId);
    event DeploymentConfirmed(uint256 indexed contractId);
    /// @notice The contract is over since `endedAt`, and what it held is free. Its node must stop what it runs for it.
    event ContractClosed(
        uint256 indexed contractId,
        uint256 indexed nodeId,
        DeletionCause indexed cause,
        uint256 endedAt
    );
    /// @notice A report counts: the contract's rate from now on, the grains that it earned since it was last settled, and
    /// those that its traffic cost at once.
    event ConsumptionReported(
        uint256 indexed contractId,
        uint256 timestamp,
        uint256 rate,
        uint256 grains,
        uint256 trafficGrains
    );
    /// @notice The report said more than the contract's limits allow to bill; the limits were billed.
    event ConsumptionClipped(uint256 indexed contractId, uint256 timestamp);
    /// @notice A report does not count.
    event ReportSkipped(uint256 indexed contractId, uint256 timestamp, ReportOutcome outcome);
    /// @notice The contract earned so much since it was last settled.
    event ContractSettled(uint256 indexed contractId, uint256 grains);
    /// @notice What contracts under one policy earned for a farm was shared out. `farmId` is 0 for names.
    event RevenueShared(
        uint256 indexed farmId,
        uint256 indexed pricingPolicyId,
        uint256 farmGrains,
        uint256 treasuryGrains,
        uint256 burnGrains
    );
    event RevenueWithdrawn(uint256 indexed farmId, address indexed account, uint256 amount);
    event TreasuryWithdrawn(address indexed treasury, uint256 amount);
    event Burnt(uint256 amount);

    /// @notice A constructor number is out of bounds.
    error GridContracts_BadSetting(bytes32 name, uint256 min, uint256 max, uint256 actual);
    /// @notice The caller has no twin.
    error GridContracts_NotATwin(address account);
    /// @notice No contract has this id.
    error GridContracts_UnknownContract(uint256 contractId);
    /// @notice Only the user's and the node's twin may do this.
    error GridContracts_NotYours(uint256 contractId, address caller);
    /// @notice Only the node's own twin may do this.
    error GridContracts_NotTheNode(uint256 nodeId, address expected, address actual);
    /// @notice This is for contracts of a deployment only.
    error GridContracts_NoDeployment(uint256 contractId);
    /// @notice The contract is over.
    error GridContracts_Over(uint256 contractId, DeletionCause cause);
    /// @notice The contract is not over, so nothing of it can be freed.
    error GridContracts_NotOver(uint256 contractId, ContractState state);
    /// @notice The node has confirmed the deployment before.
    error GridContracts_AlreadyConfirmed(uint256 contractId);
    /// @notice The user is out of funds since then. A deposit of `recoveryCost` brings it back.
    error GridContracts_InGrace(uint256 twinId, uint256 depletedAt, uint256 recoveryCost);
    /// @notice The balance, in wei, does not last for an hour of what runs and of the new contract at its limits.
    error GridContracts_BalanceTooLow(uint256 required, uint256 actual);
    /// @notice All rates of a user together stay below this.
    error GridContracts_RateTooHigh(uint256 max, uint256 actual);
    /// @notice The price feed gives no good answer now. What runs goes on at the last good price; nothing new begins.
    error GridContracts_PriceNotFresh();
    /// @notice The hash of a deployment is not zero.
    error GridContracts_ZeroHash();
    /// @notice The user has a contract that is not over with this hash on this node.
    error GridContracts_HashInUse(uint256 contractId);
    /// @notice The deployment's body is longer than MAX_DATA_BYTES.
    error GridContracts_DataTooLong(uint256 max, uint256 actual);
    /// @notice Another user rents the node.
    error GridContracts_NodeRented(uint256 nodeId, uint256 rentContractId);
    /// @notice Contracts on the node are not closed, so it cannot be rented.
    error GridContracts_NodeInUse(uint256 nodeId, uint256 contracts);
    /// @notice A name is a DNS label: 1 to 63 of a to z, 0 to 9 and -, the first and last of them not -.
    error GridContracts_BadName(string name);
    /// @notice Another contract that is not over has this name.
    error GridContracts_NameTaken(string name, uint256 contractId);
    /// @notice One batch has at most this many reports.
    error GridContracts_TooManyReports(uint256 max, uint256 actual);
    /// @notice There is nothing of it to take out.
    error GridContracts_NothingToWithdraw();

    /// @notice Adds ether to the balance of the caller's twin, and ends its grace period when it covers the cost.
    /// @dev Reverts with GridContracts_NotATwin.
    function deposit() external payable;

    /// @notice Pays wei of the balance of the caller's twin out to the caller.
    /// @dev Reverts with GridContracts_NotATwin, _BalanceTooLow.
    function withdraw(uint256 amount) external;

    /// @notice Makes a contract for a deployment on a node, and reserves public IPs of the node's farm.
    /// @param deploymentHash Of the workload, not zero.
    /// @param data The deployment's body, encrypted by the user for itself; may be empty. It is in an event only.
    /// @param limits The most that the node may bill.
    /// @dev Reverts with GridContracts_NotATwin, _ZeroHash, _DataTooLong, _PriceNotFresh, _InGrace, _HashInUse,
    /// _NodeRented, _RateTooHigh, _BalanceTooLow, and as `IGridRegistry.claim` does.
    function createContract(
        uint256 nodeId,
        bytes32 deploymentHash,
        bytes calldata data,
        uint256 publicIps,
        Limits calldata limits
    ) external returns (uint256 contractId);

    /// @notice Rents a whole node that has no contracts. It runs from now on; the node keeps it alive by reports.
    /// @dev Reverts with GridContracts_NotATwin, _PriceNotFresh, _InGrace, _NodeRented, _NodeInUse, _RateTooHigh,
    /// _BalanceTooLow, and as `IGridRegistry.termsOf` does.
    function createRentContract(uint256 nodeId) external returns (uint256 contractId);

    /// @notice Takes a name, at the price of the registry's first policy.
    /// @dev Reverts with GridContracts_NotATwin, _BadName, _NameTaken, _PriceNotFresh, _InGrace, _RateTooHigh,
    /// _BalanceTooLow.
    function createNameContract(string calldata name) external returns (uint256 contractId);

    /// @notice Changes the deployment. The node acts on it; what it costs follows the next report.
    /// @dev Only the user's and the node's twin. Reverts with GridContracts_UnknownContract, _NoDeployment, _NotYours,
    /// _ZeroHash, _DataTooLong, _Over, _HashInUse.
    function updateContract(uint256 contractId, bytes calldata data, bytes32 deploymentHash) external;

    /// @notice Ends a contract now: it is billed to this second, and what it held is free. It never depends on the price
    /// feed, and succeeds for a contract that is over but not closed as `close` does.
    /// @dev Only the user's and the node's twin. Reverts with GridContracts_UnknownContract, _NotYours, and _Over for one
    /// that was closed.
    function cancelContract(uint256 contractId) external;

    /// @notice Frees what a contract holds that is over. Anybody may.
    /// @dev Reverts with GridContracts_UnknownContract, _NotOver, and _Over for one that was closed.
    function close(uint256 contractId) external;

    /// @notice Says that the node runs the deployment.
    /// @dev Only the node's own twin. Reverts with GridContracts_UnknownContract, _NoDeployment, _NotTheNode, _Over,
    /// _InGrace, _AlreadyConfirmed.
    function confirmDeployment(uint256 contractId) external;

    /// @notice Says what contracts on the node of the caller's twin use. Each report is looked at by itself; one that does
    /// not count is skipped with an event.
    /// @param reports At most MAX_REPORTS. A rent contract is reported as well; the figures in it mean nothing.
    /// @dev Reverts with GridContracts_NotATwin, _NotTheNode, _TooManyReports.
    function addReports(uint256 nodeId, Consumption[] calldata reports) external;

    /// @notice Brings a user's money up to date. Anybody may; it changes nothing but what is written down.
    function settleUser(uint256 twinId) external;

    /// @notice Credits what contracts earned until now. Anybody may.
    /// @param contractIds Each of them costs gas; how many there are is up to the caller.
    /// @dev Reverts with GridContracts_UnknownContract.
    function settleContracts(uint256[] calldata contractIds) external;

    /// @notice Pays what a farm earned to its payout address. Anybody may.
    /// @dev Reverts with GridContracts_NothingToWithdraw.
    function withdrawRevenue(uint256 farmId) external returns (uint256 amount);

    /// @notice Pays what the caller earned as the treasury of policies.
    /// @dev Reverts with GridContracts_NothingToWithdraw.
    function withdrawTreasury() external returns (uint256 amount);

    /// @notice Burns what is to be burnt. Anybody may.
    /// @dev Reverts with GridContracts_NothingToWithdraw.
    function burn() external returns (uint256 amount);

    /// @notice A contract as it stands now. Reverts with GridContracts_UnknownContract.
    function contractOf(uint256 contractId) external view returns (ContractView memory);

    /// @notice Where contracts stand, for who must follow many. Reverts with GridContracts_UnknownContract.
    function statesOf(uint256[] calldata contractIds) external view returns (ContractState[] memory);

    /// @notice A user's money as it stands now.
    function accountOf(uint256 twinId) external view returns (AccountView memory);

    /// @notice How many contracts there are; ids run from 1 to this number.
    function contractCount() external view returns (uint256);

    /// @notice Ids of a user's contracts after the first `offset`, those that are over included; at most MAX_PAGE.
    function contractsOf(
        uint256 twinId,
        uint256 offset,
        uint256 count
    ) external view returns (uint256[] memory contractIds);

    /// @notice The contract of a user's deployment on a node that is not over; 0 when there is none.
    function contractOfHash(uint256 twinId, uint256 nodeId, bytes32 deploymentHash) external view returns (uint256);

    /// @notice The contract that holds a name; 0 when it is free.
    function contractOfName(string calldata name) external view returns (uint256);

    /// @notice The contract that rents a node; 0 when nobody does.
    function rentContractOf(uint256 nodeId) external view returns (uint256);

    /// @notice Grains that a farm's payout address may take out.
    function revenueOf(uint256 farmId) external view returns (uint256 grains);

    /// @notice Grains that a treasury may take out.
    function treasuryOf(address treasury) external view returns (uint256 grains);

    /// @notice Grains that wait to be burnt.
    function unburnt() external view returns (uint256 grains);
}
