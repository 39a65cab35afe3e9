// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {Conviction} from "../types/ChannelCourtTypes.sol";
import {Channel, HubState} from "../types/ChannelState.sol";
import {ChannelNotice} from "../types/ChannelTypes.sol";
import {ChannelInbox} from "./ChannelInbox.sol";
import {ChannelNotices} from "./ChannelNotices.sol";
import {ChannelPunishments} from "./ChannelPunishments.sol";
import {ChannelRoster} from "./ChannelRoster.sol";
import {ChannelTerms} from "./ChannelTerms.sol";
import {ChannelVoids} from "./ChannelVoids.sol";

/// @title What follows from a proof
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelVerdicts {
    using ChannelInbox for Channel;
    using ChannelPunishments for Channel;
    using ChannelRoster for Channel;
    using ChannelVoids for Channel;

    /// @notice See `IChannelHub.convict`.
    function convict(HubState storage state, Conviction calldata conviction, IStakingPool pool) external {
        Channel storage self = state.channels[conviction.channel];
        (address signer, uint64 term) = (conviction.signer, conviction.term);
        address account = self.accountOf[signer];
        if (account == address(0)) revert IChannelHub.ChannelHub_NotMember(conviction.channel, signer);
        if (self.convicted[signer][term]) {
            revert IChannelHub.ChannelHub_AlreadyConvicted(conviction.channel, signer, term);
        }
        self.convicted[signer][term] = true;
        (uint256 fineWei, uint256 rewardWei) = _fine(self, conviction, pool, account);
        emit IChannelHub.Convicted(conviction.channel, term, conviction.height, account, fineWei, rewardWei);
        _expel(self, conviction, account, fineWei);
    }

    /// @notice See `IChannelHub.voidSettlement`.
    function voidSettlement(HubState storage state, uint256 channel, uint256 id) external {
        Channel storage self = state.channels[channel];
        self.requireOpen(channel, id);
        self.voidSettlement(channel, id);
    }

    /// @dev Bans the leader and gives its office to another one: to the reporter if it is a member.
    function _expel(Channel storage self, Conviction calldata conviction, address account, uint256 fineWei) private {
        uint256 channel = conviction.channel;
        uint64 seat = ChannelRoster.bit(self.members[account].seat);
        bool isBanned = self.roster.banned & seat != 0;
        bool leads = self.office.leader == account;
        self.roster.banned |= seat;
        self.roster.leaving |= seat;
        address next = leads ? self.successor(conviction.reporter, account) : self.office.leader;
        if (!isBanned) {
            uint64 untilMs = self.ban(channel, account, next);
            emit IChannelHub.MemberBanned(channel, 0, account, untilMs, fineWei);
        }
        // After the ban, so that nodes take both entries in this order.
        if (leads) self.startTermAfter(channel, next, ChannelTerms.isNear(self, conviction.term) ? conviction.term : 0);
        if (!isBanned) ChannelNotices.tell(self, channel, ChannelNotice.MemberBanned, account);
    }

    /// @dev Half of a fine stays in the vault: see `ChannelPunishments.share`.
    function _fine(
        Channel storage self,
        Conviction calldata conviction,
        IStakingPool pool,
        address account
    ) private returns (uint256 fineWei, uint256 rewardWei) {
        fineWei = self.take(conviction.channel, pool, account);
        uint256 half = fineWei / ChannelPunishments.HALVES;
        if (!conviction.rewarded) {
            self.share(self.active() & ~ChannelRoster.bit(self.members[account].seat), half);
            return (fineWei, 0);
        }
        self.credits[conviction.reporter] += half;
        return (fineWei, half);
    }
}
