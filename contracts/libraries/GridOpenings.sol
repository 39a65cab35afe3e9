// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IGridContracts} from "../interfaces/IGridContracts.sol";
import {ContractKind, Limits} from "../types/GridContractTypes.sol";
import {ContractTerms, GridContract, GridState, Phase} from "../types/GridState.sol";
import {NodeTerms, Prices} from "../types/GridTypes.sol";
import {Billing} from "./Billing.sol";
import {ContractLife} from "./ContractLife.sol";
import {DnsLabel} from "./DnsLabel.sol";
import {Meters} from "./Meters.sol";
import {Moment} from "./Moments.sol";
import {Live, UserStreams} from "./UserStreams.sol";

/// @title How contracts begin
/// @notice Called by GridContracts with its own state. A library of its own because of the limit on a contract's size.
library GridOpenings {
    using ContractLife for GridState;
    using SafeCast for uint256;
    using UserStreams for Live;

    /// @notice Of a deployment's body.
    uint256 internal constant MAX_DATA_BYTES = 8_192;
    /// @notice The registry's policy that names are sold by.
    uint256 internal constant NAME_POLICY_ID = 1;

    /// @dev A new contract's user, the stream of it, and when.
    struct Opening {
        uint256 twinId;
        Moment moment;
        Live live;
    }

    /// @notice See `IGridContracts.createContract`.
    function open(
        GridState storage state,
        uint256 twinId,
        Moment memory moment,
        uint256 nodeId,
        bytes32 deploymentHash,
        bytes calldata data,
        uint256 publicIps,
        Limits calldata limits
    ) external returns (uint256 contractId) {
        requireDeployment(deploymentHash, data);
        Opening memory opening = _begin(state, twinId, moment);
        bytes32 key = ContractLife.deploymentKey(twinId, nodeId, deploymentHash);
        requireFreeHash(state, key, 0, moment);
        GridContract memory draft;
        draft.terms.kind = ContractKind.Node;
        draft.terms.nruPerHour = limits.nruPerHour;
        draft.limits = limits.resources;
        draft.hash = deploymentHash;
        draft.place.dataBlock = uint40(block.number);
        contractId = _openDeployment(state, draft, key, nodeId, publicIps, opening);
        emit IGridContracts.ContractCreated(contractId, twinId, nodeId, deploymentHash, publicIps, limits);
        emit IGridContracts.DeploymentData(contractId, data);
    }

    /// @notice See `IGridContracts.createRentContract`.
    function openRent(
        GridState storage state,
        uint256 twinId,
        Moment memory moment,
        uint256 nodeId
    ) external returns (uint256 contractId) {
        Opening memory opening = _begin(state, twinId, moment);
        uint256 rentId = state.rentOf(nodeId, moment);
        if (rentId != 0) revert IGridContracts.GridContracts_NodeRented(nodeId, rentId);
        uint256 contracts = state.nodes[nodeId].contracts;
        if (contracts != 0) revert IGridContracts.GridContracts_NodeInUse(nodeId, contracts);

        NodeTerms memory node = moment.registry.termsOf(nodeId);
        uint64 rate = Billing.rentRate(moment.registry.pricesOf(node.pricingPolicyId), node.resources);
        _requireFunds(opening.live, rate, moment);
        GridContract memory draft;
        (draft.terms.kind, draft.terms.phase) = (ContractKind.Rent, Phase.Deployed);
        draft.limits = node.resources;
        uint256 lapse = moment.time / moment.interval + ContractLife.REPORT_INTERVALS;
        draft.meter = Meters.pack(rate, opening.live.index, moment.time, lapse);
        opening.live.addRate(rate, lapse);
        contractId = _open(state, draft, nodeId, node, 0, opening);
        state.nodes[nodeId].rentContractId = contractId.toUint48();
        emit IGridContracts.RentContractCreated(contractId, twinId, nodeId, rate);
    }

    /// @notice See `IGridContracts.createNameContract`.
    function openName(
        GridState storage state,
        uint256 twinId,
        Moment memory moment,
        string calldata name
    ) external returns (uint256 contractId) {
        if (!DnsLabel.isOne(name)) revert IGridContracts.GridContracts_BadName(name);
        Opening memory opening = _begin(state, twinId, moment);
        bytes32 key = keccak256(bytes(name));
        uint256 holder = state.holderOf(key, moment);
        if (holder != 0) revert IGridContracts.GridContracts_NameTaken(name, holder);

        uint64 rate = Billing.nameRate(moment.registry.pricesOf(NAME_POLICY_ID));
        _requireFunds(opening.live, rate, moment);
        opening.live.readCold(state.streams[twinId]);
        opening.live.addSteadyRate(rate);
        GridContract memory draft;
        (draft.terms.kind, draft.terms.phase) = (ContractKind.Name, Phase.Deployed);
        draft.hash = key;
        draft.meter = Meters.pack(rate, opening.live.steadyIndex, 0, UserStreams.NEVER_LAPSES);
        NodeTerms memory none;
        none.pricingPolicyId = NAME_POLICY_ID;
        contractId = _open(state, draft, 0, none, key, opening);
        state.names[contractId] = name;
        emit IGridContracts.NameContractCreated(contractId, twinId, name, rate);
    }

    /// @notice What a deployment must be to be written down.
    function requireDeployment(bytes32 deploymentHash, bytes calldata data) internal pure {
        if (deploymentHash == 0) revert IGridContracts.GridContracts_ZeroHash();
        if (data.length > MAX_DATA_BYTES) {
            revert IGridContracts.GridContracts_DataTooLong(MAX_DATA_BYTES, data.length);
        }
    }

    /// @param contractId That may hold it itself.
    function requireFreeHash(
        GridState storage state,
        bytes32 key,
        uint256 contractId,
        Moment memory moment
    ) internal view {
        uint256 holder = state.holders[key];
        if (holder == 0 || holder == contractId) return;
        if (!state.isOver(holder, moment)) revert IGridContracts.GridContracts_HashInUse(holder);
    }

    /// @dev What every new contract begins with: the user's stream, settled, and able to pay.
    function _begin(
        GridState storage state,
        uint256 twinId,
        Moment memory moment
    ) private returns (Opening memory opening) {
        if (!moment.fresh) revert IGridContracts.GridContracts_PriceNotFresh();
        Live memory live = UserStreams.settleAt(state.streams[twinId], twinId, moment);
        live.requireFunded(moment);
        (opening.twinId, opening.moment, opening.live) = (twinId, moment, live);
    }

    function _openDeployment(
        GridState storage state,
        GridContract memory draft,
        bytes32 key,
        uint256 nodeId,
        uint256 publicIps,
        Opening memory opening
    ) private returns (uint256 contractId) {
        bool isRented = _isRentedBy(state, nodeId, opening);
        contractId = state.contractCount + 1;
        NodeTerms memory node = opening.moment.registry.claim(nodeId, contractId, draft.limits, publicIps);
        draft.terms.publicIps = publicIps.toUint8();

        Prices memory prices = opening.moment.registry.pricesOf(node.pricingPolicyId);
        uint256 most =
            Billing.nodeRate(prices, draft.limits, publicIps, isRented) +
                Billing.networkCharge(prices, draft.terms.nruPerHour, Billing.SECONDS_PER_HOUR);
        _requireFunds(opening.live, most, opening.moment);
        // Public IPs alone, until the node confirms and reports.
        uint64 rate = Billing.nodeRate(prices, draft.limits, publicIps, true);
        uint256 lapse = opening.moment.time / opening.moment.interval + ContractLife.CONFIRM_INTERVALS;
        draft.meter = Meters.pack(rate, opening.live.index, 0, lapse);
        opening.live.addRate(rate, lapse);
        _open(state, draft, nodeId, node, key, opening);
        state.nodes[nodeId].contracts++;
    }

    /// @dev What every new contract ends with.
    function _open(
        GridState storage state,
        GridContract memory draft,
        uint256 nodeId,
        NodeTerms memory node,
        bytes32 key,
        Opening memory opening
    ) private returns (uint256 contractId) {
        ContractTerms memory terms = draft.terms;
        terms.userTwinId = opening.twinId.toUint48();
        terms.nodeId = nodeId.toUint48();
        terms.pricingPolicyId = node.pricingPolicyId.toUint24();
        terms.createdAt = opening.moment.time.toUint32();
        terms.era = uint16(opening.live.era);
        draft.place.farmId = node.farmId.toUint48();
        contractId = ++state.contractCount;
        state.contracts[contractId] = draft;
        state.contractsOf[opening.twinId].push(contractId);
        if (key != 0) state.holders[key] = contractId;
        opening.live.lower(opening.moment);
        opening.live.save(state.streams[opening.twinId]);
    }

    /// @dev Whether the user rents the node itself. Nobody else may.
    function _isRentedBy(
        GridState storage state,
        uint256 nodeId,
        Opening memory opening
    ) private view returns (bool isOwn) {
        uint256 rentId = state.rentOf(nodeId, opening.moment);
        if (rentId == 0) return false;
        isOwn = state.contracts[rentId].terms.userTwinId == opening.twinId;
        if (!isOwn) revert IGridContracts.GridContracts_NodeRented(nodeId, rentId);
    }

    /// @dev For an hour of what runs and of the new contract at its limits, without a discount.
    function _requireFunds(Live memory live, uint256 rate, Moment memory moment) private pure {
        uint256 total = live.nodeRate() + live.steadyRate() + rate;
        if (total > UserStreams.MAX_TOTAL_RATE) {
            revert IGridContracts.GridContracts_RateTooHigh(UserStreams.MAX_TOTAL_RATE, total);
        }
        uint256 required = UserStreams.hourly(total, moment);
        if (live.balance < required) {
            revert IGridContracts.GridContracts_BalanceTooLow(
                UserStreams.toWeiUp(required),
                live.balance >> Billing.GRAIN_BITS
            );
        }
    }
}
