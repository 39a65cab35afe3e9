// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {Conviction, Fault, TermLeader} from "../types/ChannelCourtTypes.sol";
import {Channel, HubState, Member} from "../types/ChannelState.sol";
import {ChannelNotice} from "../types/ChannelTypes.sol";
import {ChannelFaults} from "./ChannelFaults.sol";
import {ChannelInbox} from "./ChannelInbox.sol";
import {ChannelNotices} from "./ChannelNotices.sol";
import {ChannelPunishments} from "./ChannelPunishments.sol";
import {ChannelRoster} from "./ChannelRoster.sol";

/// @title What follows from a proof
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelVerdicts {
    using ChannelFaults for Channel;
    using ChannelInbox for Channel;
    using ChannelPunishments for Channel;
    using ChannelRoster for Channel;

    uint256 private constant HALVES = 2;

    /// @notice See `IChannelHub.convict`.
    function convict(HubState storage state, Conviction calldata conviction, IStakingPool pool) external {
        Channel storage self = state.channels[conviction.channel];
        TermLeader memory leader = self.terms[conviction.term];
        bool voids = conviction.voids && self.addFault(conviction.height, conviction.term);
        if (leader.convicted && !voids) {
            revert IChannelHub.ChannelHub_AlreadyConvicted(conviction.channel, conviction.term, conviction.height);
        }
        if (leader.convicted) {
            emit IChannelHub.Convicted(conviction.channel, conviction.term, conviction.height, address(0), voids, 0, 0);
            return;
        }
        self.terms[conviction.term].convicted = true;
        // Who has left is out already.
        address account = self.accountOf[leader.signer];
        (uint256 fineWei, uint256 rewardWei) = (0, 0);
        if (account != address(0)) (fineWei, rewardWei) = _fine(self, conviction, pool, account);
        emit IChannelHub.Convicted(
            conviction.channel,
            conviction.term,
            conviction.height,
            account,
            voids,
            fineWei,
            rewardWei
        );
        if (account != address(0)) _expel(self, conviction, account, fineWei);
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
        if (leads) self.startTerm(channel, next);
        if (!isBanned) ChannelNotices.tell(self, channel, ChannelNotice.MemberBanned, account);
    }

    /// @dev Takes the fine from the stake. Half of it stays in the vault, and nobody has a claim to it: if all of it could come
    /// back to the channel's members, a liar that is all of them would pay nothing.
    function _fine(
        Channel storage self,
        Conviction calldata conviction,
        IStakingPool pool,
        address account
    ) private returns (uint256 fineWei, uint256 rewardWei) {
        Member storage member = self.members[account];
        fineWei = Math.min(self.config.fineWei, member.stakeWei);
        if (fineWei == 0) return (0, 0);
        member.stakeWei -= fineWei;
        if (member.pooled) pool.slash(account, conviction.channel, fineWei, self.vault);
        if (conviction.rewarded) {
            rewardWei = fineWei / HALVES;
            self.credits[conviction.reporter] += rewardWei;
            return (fineWei, rewardWei);
        }
        uint64 others = self.active() & ~ChannelRoster.bit(member.seat);
        uint256 count = ChannelRoster.count(others);
        if (count == 0) return (fineWei, 0);
        uint256 share = fineWei / HALVES / count;
        for (; others != 0; others &= others - 1) {
            self.credits[self.seated[ChannelRoster.lowest(others)]] += share;
        }
    }
}
