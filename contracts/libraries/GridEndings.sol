// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGridContracts} from "../interfaces/IGridContracts.sol";
import {ContractKind, ContractState, DeletionCause} from "../types/GridContractTypes.sol";
import {ContractTerms, GridContract, GridState, NodeUse, Phase} from "../types/GridState.sol";
import {ContractLife} from "./ContractLife.sol";
import {GridRevenue} from "./GridRevenue.sol";
import {Meter, Meters} from "./Meters.sol";
import {Moment} from "./Moments.sol";
import {Live, UserStreams} from "./UserStreams.sol";

/// @title How contracts are settled and end
/// @notice Called by GridContracts with its own state. A library of its own because of the limit on a contract's size.
library GridEndings {
    using ContractLife for GridState;
    using UserStreams for Live;

    /// @notice Ends a contract now, or frees what one holds that was over before.
    /// @param cause Of an end now. None: only one that is over is closed.
    function end(GridState storage state, uint256 contractId, DeletionCause cause, Moment memory moment) external {
        ContractTerms memory terms = state.contracts[contractId].terms;
        Live memory live = UserStreams.settleAt(state.streams[terms.userTwinId], terms.userTwinId, moment);
        (ContractState standing, DeletionCause before, uint256 endedAt) = state.stateOf(contractId, live, moment);
        if (terms.phase == Phase.Closed) revert IGridContracts.GridContracts_Over(contractId, before);
        if (standing == ContractState.Deleted) cause = before;
        else if (cause == DeletionCause.None) revert IGridContracts.GridContracts_NotOver(contractId, standing);
        else endedAt = moment.time;

        GridContract storage self = state.contracts[contractId];
        Meter memory meter = Meters.unpack(self.meter);
        uint256 grains = _claim(state, contractId, terms, meter, live, moment);
        bool isName = terms.kind == ContractKind.Name;
        // An era that is over took all its rates along.
        if (terms.era == live.era) live.drop(state.streams[terms.userTwinId], meter, isName, moment);
        live.save(state.streams[terms.userTwinId]);
        self.meter = Meters.pack(0, meter.index, meter.reportedAt, meter.lapse);
        self.terms.phase = Phase.Closed;
        (self.place.cause, self.place.endedAt) = (cause, uint40(endedAt));
        emit IGridContracts.ContractClosed(contractId, terms.nodeId, cause, endedAt);
        GridRevenue.share(state, moment.registry, terms.pricingPolicyId, self.place.farmId, grains);
        _free(state, contractId, moment);
    }

    /// @notice Brings a contract's user up to date, and shares out what the contract earned.
    function settle(GridState storage state, uint256 contractId, Moment memory moment) external {
        GridContract storage self = state.contracts[contractId];
        ContractTerms memory terms = self.terms;
        Live memory live = UserStreams.settleAt(state.streams[terms.userTwinId], terms.userTwinId, moment);
        live.save(state.streams[terms.userTwinId]);
        Meter memory meter = Meters.unpack(self.meter);
        uint256 grains = _claim(state, contractId, terms, meter, live, moment);
        if (grains != 0) self.meter = Meters.pack(meter);
        GridRevenue.share(state, moment.registry, terms.pricingPolicyId, self.place.farmId, grains);
    }

    /// @dev Takes what a contract earned since it was last settled; the meter is the caller's to write.
    function _claim(
        GridState storage state,
        uint256 contractId,
        ContractTerms memory terms,
        Meter memory meter,
        Live memory live,
        Moment memory moment
    ) private returns (uint256 grains) {
        (grains, meter.index) = state.claimableOf(terms, meter, live, moment);
        if (grains != 0) emit IGridContracts.ContractSettled(contractId, grains);
    }

    /// @dev Gives back the hash or name, and what was claimed on the node.
    function _free(GridState storage state, uint256 contractId, Moment memory moment) private {
        GridContract storage self = state.contracts[contractId];
        ContractTerms memory terms = self.terms;
        bytes32 key = ContractLife.keyOf(self);
        // Somebody may hold it already, since this contract was over.
        if (state.holders[key] == contractId) delete state.holders[key];
        NodeUse storage node = state.nodes[terms.nodeId];
        if (terms.kind == ContractKind.Rent && node.rentContractId == contractId) node.rentContractId = 0;
        if (terms.kind != ContractKind.Node) return;
        node.contracts--;
        moment.registry.release(terms.nodeId, contractId, self.limits);
    }
}
