// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IGridContracts} from "../interfaces/IGridContracts.sol";
import {IGridRegistry} from "../interfaces/IGridRegistry.sol";
import {IPriceBook} from "../interfaces/IPriceBook.sol";
import {ITwins} from "../interfaces/ITwins.sol";
import {ContractLife} from "../libraries/ContractLife.sol";
import {GridEndings} from "../libraries/GridEndings.sol";
import {GridOpenings} from "../libraries/GridOpenings.sol";
import {GridReports} from "../libraries/GridReports.sol";
import {Meter, Meters} from "../libraries/Meters.sol";
import {Moment} from "../libraries/Moments.sol";
import {Live, UserStreams} from "../libraries/UserStreams.sol";
import {
    Consumption,
    ContractKind,
    ContractState,
    ContractView,
    DeletionCause,
    Limits
} from "../types/GridContractTypes.sol";
import {ContractTerms, GridContract, GridState, Phase} from "../types/GridState.sol";
import {GridAccounts} from "./GridAccounts.sol";

/// @title Deployments, rented nodes and names, see {IGridContracts}
contract GridContracts is GridAccounts {
    using ContractLife for GridState;
    using SafeCast for uint256;
    using UserStreams for Live;

    /// @notice Of a deployment's body.
    uint256 public constant MAX_DATA_BYTES = GridOpenings.MAX_DATA_BYTES;
    /// @notice In one batch.
    uint256 public constant MAX_REPORTS = 1_000;
    /// @notice Entries of a list that one call returns.
    uint256 public constant MAX_PAGE = 256;

    /// @param twins_ Whose twins users and nodes are.
    /// @param registry_ Is tied to this contract from now on.
    /// @param prices_ What ether costs.
    /// @param graceSeconds See GRACE_SECONDS; a year at most.
    /// @param graceShare See GRACE_SHARE.
    constructor(
        ITwins twins_,
        IGridRegistry registry_,
        IPriceBook prices_,
        uint256 graceSeconds,
        uint256 graceShare
    ) GridAccounts(twins_, registry_, prices_, graceSeconds, graceShare) {
        registry_.attachGrid();
    }

    /// @inheritdoc IGridContracts
    function createContract(
        uint256 nodeId,
        bytes32 deploymentHash,
        bytes calldata data,
        uint256 publicIps,
        Limits calldata limits
    ) external returns (uint256 contractId) {
        return GridOpenings.open(_state, _callerTwin(), _touch(), nodeId, deploymentHash, data, publicIps, limits);
    }

    /// @inheritdoc IGridContracts
    function createRentContract(uint256 nodeId) external returns (uint256 contractId) {
        return GridOpenings.openRent(_state, _callerTwin(), _touch(), nodeId);
    }

    /// @inheritdoc IGridContracts
    function createNameContract(string calldata name) external returns (uint256 contractId) {
        return GridOpenings.openName(_state, _callerTwin(), _touch(), name);
    }

    /// @inheritdoc IGridContracts
    function updateContract(uint256 contractId, bytes calldata data, bytes32 deploymentHash) external {
        GridContract storage self = _deployment(contractId);
        ContractTerms memory terms = self.terms;
        uint256 byTwinId = _requireParty(contractId, terms);
        GridOpenings.requireDeployment(deploymentHash, data);
        Moment memory moment = _peek();
        _requireNotOver(contractId, _loadOf(terms, moment), moment);
        bytes32 key = ContractLife.deploymentKey(terms.userTwinId, terms.nodeId, deploymentHash);
        GridOpenings.requireFreeHash(_state, key, contractId, moment);

        bytes32 oldKey = ContractLife.keyOf(self);
        if (oldKey != key) {
            delete _state.holders[oldKey];
            _state.holders[key] = contractId;
            self.hash = deploymentHash;
        }
        self.place.dataBlock = uint40(block.number);
        emit ContractUpdated(contractId, deploymentHash, byTwinId);
        emit DeploymentData(contractId, data);
    }

    /// @inheritdoc IGridContracts
    function cancelContract(uint256 contractId) external {
        ContractTerms memory terms = _termsOf(contractId);
        uint256 byTwinId = _requireParty(contractId, terms);
        bool isUser = byTwinId == terms.userTwinId;
        DeletionCause cause = isUser ? DeletionCause.ByUser : DeletionCause.ByNode;
        GridEndings.end(_state, contractId, cause, _touch());
    }

    /// @inheritdoc IGridContracts
    function close(uint256 contractId) external {
        _termsOf(contractId);
        GridEndings.end(_state, contractId, DeletionCause.None, _touch());
    }

    /// @inheritdoc IGridContracts
    function confirmDeployment(uint256 contractId) external {
        GridContract storage self = _deployment(contractId);
        ContractTerms memory terms = self.terms;
        uint256 retiresAt = _requireNode(terms.nodeId);
        (Moment memory moment, Live memory live) = _settleOf(terms);
        _requireNotOver(contractId, live, moment);
        if (terms.phase != Phase.Created) revert GridContracts_AlreadyConfirmed(contractId);
        live.requireFunded(moment);
        Meter memory meter = Meters.unpack(self.meter);
        uint256 lapse = Math.min(
            moment.time / INTERVAL_SECONDS + ContractLife.REPORT_INTERVALS,
            retiresAt / INTERVAL_SECONDS
        );
        live.removeRate(meter.rate, meter.lapse);
        live.addRate(meter.rate, lapse);
        self.meter = Meters.pack(meter.rate, meter.index, moment.time, lapse);
        self.terms.phase = Phase.Deployed;
        live.save(_state.streams[terms.userTwinId]);
        emit DeploymentConfirmed(contractId);
    }

    /// @inheritdoc IGridContracts
    function addReports(uint256 nodeId, Consumption[] calldata reports) external {
        if (reports.length > MAX_REPORTS) revert GridContracts_TooManyReports(MAX_REPORTS, reports.length);
        _requireNode(nodeId);
        GridReports.add(_state, nodeId, _asBytes(reports), _touch());
    }

    /// @inheritdoc IGridContracts
    function settleContracts(uint256[] calldata contractIds) external {
        Moment memory moment = _touch();
        for (uint256 i = 0; i < contractIds.length; i++) {
            _termsOf(contractIds[i]);
            GridEndings.settle(_state, contractIds[i], moment);
        }
    }

    /// @inheritdoc IGridContracts
    function contractOf(uint256 contractId) external view returns (ContractView memory self) {
        GridContract memory stored = _state.contracts[contractId];
        ContractTerms memory terms = _termsOf(contractId);
        Moment memory moment = _peek();
        Live memory live = _loadOf(terms, moment);
        self.contractId = contractId;
        self.kind = terms.kind;
        (self.state, self.cause, self.endsAt) = _state.stateOf(contractId, live, moment);
        if (self.endsAt == ContractLife.NEVER) self.endsAt = 0;
        (self.userTwinId, self.nodeId, self.farmId) = (terms.userTwinId, terms.nodeId, stored.place.farmId);
        self.pricingPolicyId = terms.pricingPolicyId;
        if (terms.kind == ContractKind.Node) self.deploymentHash = stored.hash;
        self.name = _state.names[contractId];
        self.limits = Limits(stored.limits, terms.nruPerHour);
        self.isClosed = terms.phase == Phase.Closed;
        self.publicIpCount = terms.publicIps;
        if (terms.publicIps != 0) self.publicIps = REGISTRY.publicIpsOf(self.farmId, contractId);
        if (terms.kind == ContractKind.Node) self.rentContractId = _rentOver(terms, live);
        Meter memory meter = Meters.unpack(stored.meter);
        (self.createdAt, self.reportedAt) = (terms.createdAt, meter.reportedAt);
        self.dataBlock = stored.place.dataBlock;
        self.rate = meter.rate;
        (self.unsettledGrains, ) = _state.claimableOf(terms, meter, live, moment);
        bool isRunning = self.state != ContractState.Deleted && self.rate != 0;
        uint256 lapsesAt = meter.lapse * INTERVAL_SECONDS;
        if (isRunning && lapsesAt > moment.time) self.billedUntil = Math.min(lapsesAt, ContractLife.NEVER);
    }

    /// @inheritdoc IGridContracts
    function statesOf(uint256[] calldata contractIds) external view returns (ContractState[] memory states) {
        Moment memory moment = _peek();
        states = new ContractState[](contractIds.length);
        for (uint256 i = 0; i < contractIds.length; i++) {
            Live memory live = _loadOf(_termsOf(contractIds[i]), moment);
            (states[i], , ) = _state.stateOf(contractIds[i], live, moment);
        }
    }

    /// @inheritdoc IGridContracts
    function contractCount() external view returns (uint256) {
        return _state.contractCount;
    }

    /// @inheritdoc IGridContracts
    function contractsOf(
        uint256 twinId,
        uint256 offset,
        uint256 count
    ) external view returns (uint256[] memory contractIds) {
        uint256[] storage all = _state.contractsOf[twinId];
        uint256 left = all.length > offset ? all.length - offset : 0;
        contractIds = new uint256[](Math.min(Math.min(left, count), MAX_PAGE));
        for (uint256 i = 0; i < contractIds.length; i++) {
            contractIds[i] = all[offset + i];
        }
    }

    /// @inheritdoc IGridContracts
    function contractOfHash(uint256 twinId, uint256 nodeId, bytes32 deploymentHash) external view returns (uint256) {
        return _state.holderOf(ContractLife.deploymentKey(twinId, nodeId, deploymentHash), _peek());
    }

    /// @inheritdoc IGridContracts
    function contractOfName(string calldata name) external view returns (uint256) {
        return _state.holderOf(keccak256(bytes(name)), _peek());
    }

    /// @inheritdoc IGridContracts
    function rentContractOf(uint256 nodeId) external view returns (uint256) {
        return _state.rentOf(nodeId, _peek());
    }

    /// @dev The bytes of a batch as they were sent: handing it to a library field by field costs a report 800 gas.
    function _asBytes(Consumption[] calldata reports) private pure returns (bytes calldata data) {
        uint256 size = reports.length * GridReports.REPORT_BYTES;
        assembly ("memory-safe") {
            data.offset := reports.offset
            data.length := size
        }
    }

    /// @dev The stream of a contract's user, settled now.
    function _settleOf(ContractTerms memory terms) private returns (Moment memory moment, Live memory live) {
        moment = _touch();
        live = UserStreams.settleAt(_state.streams[terms.userTwinId], terms.userTwinId, moment);
    }

    function _loadOf(ContractTerms memory terms, Moment memory moment) private view returns (Live memory) {
        return UserStreams.loadAt(_state.streams[terms.userTwinId], terms.userTwinId, moment);
    }

    function _termsOf(uint256 contractId) private view returns (ContractTerms memory terms) {
        terms = _state.contracts[contractId].terms;
        if (terms.createdAt == 0) revert GridContracts_UnknownContract(contractId);
    }

    function _deployment(uint256 contractId) private view returns (GridContract storage) {
        if (_termsOf(contractId).kind != ContractKind.Node) revert GridContracts_NoDeployment(contractId);
        return _state.contracts[contractId];
    }

    /// @return twinId The caller's.
    function _requireParty(uint256 contractId, ContractTerms memory terms) private view returns (uint256 twinId) {
        twinId = TWINS.twinOf(msg.sender);
        if (twinId != 0 && twinId == terms.userTwinId) return twinId;
        address account;
        if (terms.kind != ContractKind.Name) (account, ) = REGISTRY.nodeAccount(terms.nodeId);
        if (msg.sender != account) revert GridContracts_NotYours(contractId, msg.sender);
    }

    function _requireNode(uint256 nodeId) private view returns (uint256 retiresAt) {
        address account;
        (account, retiresAt) = REGISTRY.nodeAccount(nodeId);
        if (msg.sender != account) revert GridContracts_NotTheNode(nodeId, account, msg.sender);
    }

    function _requireNotOver(uint256 contractId, Live memory live, Moment memory moment) private view {
        (ContractState standing, DeletionCause cause, ) = _state.stateOf(contractId, live, moment);
        if (standing == ContractState.Deleted) revert GridContracts_Over(contractId, cause);
    }

    /// @dev The rent contract that a node contract is under.
    function _rentOver(ContractTerms memory terms, Live memory live) private view returns (uint256 rentId) {
        rentId = _state.nodes[terms.nodeId].rentContractId;
        if (rentId == 0) return 0;
        ContractTerms memory rent = _state.contracts[rentId].terms;
        if (rent.userTwinId != terms.userTwinId || rent.era != live.era) return 0;
    }
}
