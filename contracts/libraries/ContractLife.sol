// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContractKind, ContractState, DeletionCause} from "../types/GridContractTypes.sol";
import {ContractTerms, GridContract, GridState, Phase, UserStream} from "../types/GridState.sol";
import {Meter} from "./Meters.sol";
import {Moment} from "./Moments.sol";
import {Live, UserStreams} from "./UserStreams.sol";

/// @title When contracts end
/// @notice Nobody has to write an end down: it follows from the time. What a contract holds is free once it is closed.
library ContractLife {
    using UserStreams for Live;

    /// @notice In the place of an end that is not known.
    uint256 internal constant NEVER = type(uint40).max;
    /// @notice The intervals that a node has to confirm a deployment, that of its creation included.
    uint256 internal constant CONFIRM_INTERVALS = 2;
    /// @notice The intervals that a report keeps a rate alive, that of the report included.
    uint256 internal constant REPORT_INTERVALS = 3;

    /// @notice When a deployment is over that the node does not confirm: an interval after its creation or later, but less
    /// than two. It is the start of one, so that its rate lapses there.
    function expiresAt(ContractTerms memory terms, Moment memory moment) internal pure returns (uint256) {
        return (terms.createdAt / moment.interval + CONFIRM_INTERVALS) * moment.interval;
    }

    /// @notice The earliest end of a contract that was not closed; NEVER when none is known yet.
    /// @param live The user's stream at the moment.
    /// @param retiresAt The node's.
    function endOf(
        GridState storage state,
        ContractTerms memory terms,
        Live memory live,
        Moment memory moment,
        uint256 retiresAt
    ) internal view returns (DeletionCause cause, uint256 endsAt) {
        endsAt = NEVER;
        if (terms.phase == Phase.Created) (cause, endsAt) = (DeletionCause.Expired, expiresAt(terms, moment));
        if (retiresAt < endsAt) (cause, endsAt) = (DeletionCause.NodeRetired, retiresAt);
        uint256 fundsEnd = NEVER;
        if (terms.era != live.era) {
            fundsEnd = live.eraEndOf(state.streams[terms.userTwinId], terms.era).endedAt;
        } else if (live.level == UserStreams.IN_GRACE) {
            fundsEnd = live.depletedAt + moment.graceSeconds;
        }
        if (fundsEnd < endsAt) (cause, endsAt) = (DeletionCause.OutOfFunds, fundsEnd);
    }

    /// @notice Where a contract stands at the moment, why it is over, and its earliest known end.
    function stateOf(
        GridState storage state,
        uint256 contractId,
        Live memory live,
        Moment memory moment
    ) internal view returns (ContractState standing, DeletionCause cause, uint256 endsAt) {
        GridContract storage self = state.contracts[contractId];
        ContractTerms memory terms = self.terms;
        if (terms.phase == Phase.Closed) return (ContractState.Deleted, self.place.cause, self.place.endedAt);
        uint256 retiresAt = NEVER;
        if (terms.kind != ContractKind.Name) (, retiresAt) = moment.registry.nodeAccount(terms.nodeId);
        (cause, endsAt) = endOf(state, terms, live, moment, retiresAt);
        if (endsAt <= moment.time) return (ContractState.Deleted, cause, endsAt);
        cause = DeletionCause.None;
        if (live.level == UserStreams.IN_GRACE) standing = ContractState.GracePeriod;
        else standing = terms.phase == Phase.Created ? ContractState.Created : ContractState.Deployed;
    }

    /// @notice Whether a contract is over, with the stream of its user looked up.
    function isOver(GridState storage state, uint256 contractId, Moment memory moment) internal view returns (bool) {
        ContractTerms memory terms = state.contracts[contractId].terms;
        if (terms.phase == Phase.Closed) return true;
        Live memory live = UserStreams.loadAt(state.streams[terms.userTwinId], terms.userTwinId, moment);
        (ContractState standing, , ) = stateOf(state, contractId, live, moment);
        return standing == ContractState.Deleted;
    }

    /// @notice The contract that holds a hash or a name and is not over; 0 when there is none.
    function holderOf(GridState storage state, bytes32 key, Moment memory moment) internal view returns (uint256 id) {
        id = state.holders[key];
        if (id != 0 && isOver(state, id, moment)) id = 0;
    }

    /// @notice The rent contract of a node that is not over; 0 when there is none.
    function rentOf(GridState storage state, uint256 nodeId, Moment memory moment) internal view returns (uint256 id) {
        id = state.nodes[nodeId].rentContractId;
        if (id != 0 && isOver(state, id, moment)) id = 0;
    }

    /// @notice What `holders` has a contract by.
    function keyOf(GridContract storage self) internal view returns (bytes32) {
        ContractTerms memory terms = self.terms;
        if (terms.kind == ContractKind.Name) return self.hash;
        return deploymentKey(terms.userTwinId, terms.nodeId, self.hash);
    }

    function deploymentKey(uint256 twinId, uint256 nodeId, bytes32 hash) internal pure returns (bytes32) {
        return keccak256(abi.encode(twinId, nodeId, hash));
    }

    /// @notice What a contract earned since it was last settled, and up to which index.
    function claimableOf(
        GridState storage state,
        ContractTerms memory terms,
        Meter memory meter,
        Live memory live,
        Moment memory moment
    ) internal view returns (uint256 grains, uint256 index) {
        UserStream storage stream = state.streams[terms.userTwinId];
        if (meter.rate == 0) return (0, meter.index);
        if (terms.kind == ContractKind.Name) return live.claimableOfName(stream, meter, terms.era);
        return live.claimable(stream, meter, terms.era, moment);
    }
}
