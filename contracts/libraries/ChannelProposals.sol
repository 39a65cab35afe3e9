// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IChannelChallenges} from "../interfaces/IChannelChallenges.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {Ballot, Channel, HubState, Member, Proposal} from "../types/ChannelState.sol";
import {
    Change,
    ProposalAction,
    ProposalState,
    ProposalType,
    Punishment,
    Settlement,
    SettlementMode,
    SignedVote,
    VoteOption
} from "../types/ChannelTypes.sol";
import {ChangeSets} from "./ChangeSets.sol";
import {ChannelPunishments} from "./ChannelPunishments.sol";
import {ChannelRoster} from "./ChannelRoster.sol";
import {ChannelSettlements} from "./ChannelSettlements.sol";
import {ChannelSignatures} from "./ChannelSignatures.sol";
import {ChannelTime} from "./ChannelTime.sol";
import {ChannelVoids} from "./ChannelVoids.sol";
import {MerkleRoots} from "./MerkleRoots.sol";
import {Quorum} from "./Quorum.sol";
import {SettleArguments} from "./SettleArguments.sol";
import {StoreClones} from "./StoreClones.sol";

/// @title What members propose, and what they say to it
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelProposals {
    using ChannelPunishments for Channel;
    using ChannelRoster for Channel;
    using ChannelSettlements for Channel;
    using ChannelVoids for Channel;

    /// @dev ABI-encoded.
    uint256 private constant SETTLEMENT_BYTES = 320;
    uint256 private constant PUNISHMENT_BYTES = 192;

    /// @notice In a channel without a window: how long a settlement waits that has a quorum only because a member was banned
    /// or is absent. As long as a ban, so that who was banned may be back after it.
    uint256 internal constant OBJECTION_SECONDS = 5 minutes;

    /// @dev What a call is about.
    struct Subject {
        uint256 channel;
        uint256 proposal;
        IStakingPool pool;
        bytes32 domain;
    }

    /// @notice See `IChannelHub.createProposal`.
    function create(
        HubState storage state,
        uint256 channel,
        uint8 proposalType,
        bytes calldata data
    ) external returns (uint256 id) {
        Channel storage self = state.channels[channel];
        (address account, Member storage member) = self.requireMember(channel, msg.sender);
        uint64 seat = ChannelRoster.bit(member.seat);
        id = ++self.counters.proposals;
        Proposal storage proposal = self.proposals[id];
        proposal.proposer = account;
        Ballot memory ballot;
        if (proposalType == uint8(ProposalType.Settlement) && data.length >= SETTLEMENT_BYTES) {
            Settlement memory settlement = abi.decode(data, (Settlement));
            self.requireNext(channel, settlement);
            ballot.electorate = self.electorateAt(settlement.inboxCursor);
            self.settlements[id] = settlement;
            proposal.proposalType = ProposalType.Settlement;
            proposal.hash = ChannelSignatures.hash(settlement);
        } else if (proposalType == uint8(ProposalType.Punishment) && data.length == PUNISHMENT_BYTES) {
            Punishment memory punishment = abi.decode(data, (Punishment));
            ballot.electorate = self.requireValid(channel, punishment);
            // An accusation is a word of its own.
            ballot.inFavour = seat;
            self.punishments[id] = punishment;
            proposal.proposalType = ProposalType.Punishment;
            proposal.vacancies = self.office.vacancies;
            proposal.hash = ChannelSignatures.hash(punishment);
        } else {
            revert IChannelHub.ChannelHub_BadProposal(channel, proposalType);
        }
        if (ballot.electorate & seat == 0) revert IChannelHub.ChannelHub_NotMember(channel, account);
        proposal.ballot = ballot;
        emit IChannelHub.ProposalCreated(channel, id, proposal.proposalType, account, proposal.hash, data);
    }

    /// @notice See `IChannelHub.vote`.
    function vote(HubState storage state, uint256 channel, uint256 id, uint8 option) external {
        Channel storage self = state.channels[channel];
        _requireVoting(self, channel, id);
        (address account, Member storage member) = self.requireMember(channel, msg.sender);
        member.lastAliveMs = ChannelTime.nowMs();
        Ballot memory ballot = self.proposals[id].ballot;
        uint64 seat = ChannelRoster.bit(member.seat);
        if (ChannelRoster.votedIn(ballot) & seat != 0) revert IChannelHub.ChannelHub_AlreadyVoted(id, account);
        _cast(ballot, channel, id, account, seat, option);
        self.proposals[id].ballot = ballot;
        _weigh(self, channel, id, ballot);
    }

    /// @notice See `IChannelHub.voteBySignatures`.
    function voteBySignatures(HubState storage state, Subject calldata subject, SignedVote[] calldata votes) external {
        Channel storage self = state.channels[subject.channel];
        _requireVoting(self, subject.channel, subject.proposal);
        Ballot memory ballot = self.proposals[subject.proposal].ballot;
        _castAll(self, subject, self.proposals[subject.proposal].hash, ballot, votes);
        self.proposals[subject.proposal].ballot = ballot;
        _weigh(self, subject.channel, subject.proposal, ballot);
    }

    /// @notice See `IChannelHub.executeProposal`.
    function execute(
        HubState storage state,
        Subject calldata subject,
        Change[] calldata changes
    ) external returns (ProposalAction memory action) {
        Channel storage self = state.channels[subject.channel];
        (uint256 channel, uint256 id) = (subject.channel, subject.proposal);
        Proposal memory proposal = _proposalOf(self, channel, id);
        action.proposalType = proposal.proposalType;
        if (proposal.proposalType == ProposalType.Settlement) {
            // Members may have become absent since the last vote.
            _weigh(self, channel, id, proposal.ballot);
            _requireState(self, channel, id, ProposalState.Passed);
            if (proposal.chunksApplied != 0) revert IChannelHub.ChannelHub_Locked(channel);
            action.settlement = self.settlements[id];
            self.applyAll(channel, action.settlement.changesRoot, changes);
            self.proposals[id].isFinal = true;
            self.finish(channel, id, subject.pool, action.settlement);
        } else {
            _requireState(self, channel, id, ProposalState.Passed);
            action.punishment = self.punishments[id];
            self.punish(channel, id, subject.pool, self.verdictOf(proposal, action.punishment));
        }
    }

    /// @notice See `IChannelHub.applyChanges`.
    function applyPart(
        HubState storage state,
        Subject calldata subject,
        bytes32[] calldata chunkHashes,
        uint256 first,
        Change[] calldata changes
    ) external {
        Channel storage self = state.channels[subject.channel];
        uint256 id = subject.proposal;
        if (self.config.mode != SettlementMode.Slots) revert IChannelHub.ChannelHub_WrongMode(subject.channel);
        _weigh(self, subject.channel, id, _proposalOf(self, subject.channel, id).ballot);
        _requireState(self, subject.channel, id, ProposalState.Passed);
        Settlement memory settlement = self.settlements[id];
        _requireChunks(settlement.changesRoot, chunkHashes);
        _applyChunks(self, subject, chunkHashes, first, changes);
        if (!_isWhole(self, id, chunkHashes)) {
            self.head.locked = true;
            return;
        }
        self.proposals[id].isFinal = true;
        self.finish(subject.channel, id, subject.pool, settlement);
    }

    /// @notice See `IChannelHub.refuteChanges`.
    function refuteChanges(
        HubState storage state,
        Subject calldata subject,
        bytes32[] calldata chunkHashes,
        uint256 index,
        Change[] calldata chunk
    ) external {
        Channel storage self = state.channels[subject.channel];
        (uint256 channel, uint256 id) = (subject.channel, subject.proposal);
        if (self.config.mode != SettlementMode.Slots) revert IChannelHub.ChannelHub_WrongMode(channel);
        ProposalState now_ = _knownState(self, channel, id);
        if (self.head.settling != id) revert IChannelHub.ChannelHub_WrongState(channel, id, now_);
        // What is in the store cannot be taken out of it: the rest follows then, whatever its order.
        if (self.head.locked) revert IChannelHub.ChannelHub_Locked(channel);
        _requireChunks(self.settlements[id].changesRoot, chunkHashes);
        bytes32[] memory hashes = ChangeSets.hashesAsTheyAre(chunk);
        if (hashes.length != 1 || index >= chunkHashes.length) revert IChannelHub.ChannelHub_WrongChunk(0, index);
        if (hashes[0] != chunkHashes[index]) {
            revert IChannelHub.ChannelHub_WrongChanges(chunkHashes[index], hashes[0]);
        }
        (bool isSorted, ) = ChangeSets.isSorted(chunk);
        if (isSorted) revert IChannelHub.ChannelHub_NotRefuted(channel, id);
        self.voidSettlement(channel, id);
    }

    /// @notice See `IChannelHub.settle`.
    /// @param arguments What `settle` was called with, as it came: to encode it again would cost a tenth of each vote.
    function settle(
        HubState storage state,
        Subject calldata subject,
        bytes calldata arguments
    ) external returns (uint256 id) {
        (Settlement calldata settlement, Change[] calldata changes, SignedVote[] calldata votes) = SettleArguments.read(
            arguments
        );
        return _settle(state, subject, settlement, changes, votes);
    }

    /// @dev Where a proposal stands now.
    function stateOf(Channel storage self, uint256 id) internal view returns (ProposalState) {
        Proposal memory proposal = self.proposals[id];
        if (proposal.proposalType == ProposalType.None) return ProposalState.None;
        if (proposal.isFinal) return ProposalState.Final;
        if (self.voided[proposal.hash]) return ProposalState.Rejected;
        if (self.head.frozen) {
            bool isBest = self.freeze.best == id && !self.head.closed;
            return isBest ? ProposalState.Pending : ProposalState.Rejected;
        }
        if (proposal.proposalType == ProposalType.Punishment) {
            Punishment memory punishment = self.punishments[id];
            if (self.isVoid(proposal, punishment)) return ProposalState.Rejected;
            ChannelPunishments.Verdict memory verdict = self.verdictOf(proposal, punishment);
            return verdict.suspends || verdict.bans ? ProposalState.Passed : ProposalState.Proposed;
        }
        if (self.head.settling == id) {
            bool isWaiting = block.timestamp < proposal.finalAt || self.challenges[id].open != 0;
            return isWaiting ? ProposalState.Pending : ProposalState.Passed;
        }
        bool isVoid = self.head.closed || self.settlements[id].fromHeight != self.head.height;
        return isVoid || _isLost(self, proposal.ballot) ? ProposalState.Rejected : ProposalState.Proposed;
    }

    function _settle(
        HubState storage state,
        Subject calldata subject,
        Settlement calldata settlement,
        Change[] calldata changes,
        SignedVote[] calldata votes
    ) private returns (uint256 id) {
        Channel storage self = state.channels[settlement.channel];
        self.requireNext(subject.channel, settlement);
        bytes32 hash = ChannelSignatures.hash(settlement);
        _requireNotVoid(self, subject.channel, hash);
        Ballot memory ballot = Ballot(self.electorateAt(settlement.inboxCursor), 0, 0, 0);
        _castAll(self, subject, hash, ballot, votes);
        _requireQuorum(self, ballot);
        bool isWhole = changes.length != 0 || settlement.changesRoot == 0 || self.config.mode == SettlementMode.Root;
        bool isWaiting = _windowOf(self, ballot) != 0;
        if (!isWhole || isWaiting) return _keep(self, settlement, hash, ballot);
        self.applyAll(subject.channel, settlement.changesRoot, changes);
        self.finish(subject.channel, 0, subject.pool, settlement);
    }

    /// @dev Chunks come in any order, each counts once. The root does not say in which order its pairs are, so that whoever
    /// brought the second one first would otherwise leave a channel locked in which no chunk may follow.
    function _applyChunks(
        Channel storage self,
        Subject calldata subject,
        bytes32[] calldata chunkHashes,
        uint256 first,
        Change[] calldata changes
    ) private {
        uint256 applied = self.proposals[subject.proposal].chunksApplied;
        // Once a part is in the store the rest must follow. Before, what does not ascend can be refuted.
        bytes32[] memory hashes = applied == 0 ? ChangeSets.hashesOf(changes) : ChangeSets.hashesAsTheyAre(changes);
        if (hashes.length == 0 || first > chunkHashes.length || hashes.length > chunkHashes.length - first) {
            revert IChannelHub.ChannelHub_WrongChunk(applied, first);
        }
        mapping(bytes32 chunkHash => bool) storage chunks = self.chunks[subject.proposal];
        for (uint256 i = 0; i < hashes.length; i++) {
            if (hashes[i] != chunkHashes[first + i]) {
                revert IChannelHub.ChannelHub_WrongChanges(chunkHashes[first + i], hashes[i]);
            }
            if (chunks[hashes[i]]) continue;
            chunks[hashes[i]] = true;
            applied++;
        }
        self.proposals[subject.proposal].chunksApplied = applied;
        StoreClones.write(self.store, changes);
        emit IChannelHub.ChangesApplied(subject.channel, subject.proposal, first, hashes.length);
    }

    function _requireChunks(bytes32 changesRoot, bytes32[] calldata chunkHashes) private pure {
        bytes32 root = MerkleRoots.rootOf(chunkHashes);
        if (root != changesRoot) revert IChannelHub.ChannelHub_WrongChanges(changesRoot, root);
    }

    /// @dev Whether all chunks were applied. A list that has inner nodes of the tree for chunks has the same root; nobody has
    /// changes that one of them is the hash of.
    function _isWhole(Channel storage self, uint256 id, bytes32[] calldata chunkHashes) private view returns (bool) {
        if (self.proposals[id].chunksApplied < chunkHashes.length) return false;
        for (uint256 i = 0; i < chunkHashes.length; i++) {
            if (!self.chunks[id][chunkHashes[i]]) return false;
        }
        return true;
    }

    /// @dev Counts votes that somebody else brings. Those of who voted already are passed over: it may have done so while
    /// they were on their way.
    function _castAll(
        Channel storage self,
        Subject memory subject,
        bytes32 proposalHash,
        Ballot memory ballot,
        SignedVote[] calldata votes
    ) private {
        // One digest an option, and most votes have the same one.
        bytes32[3] memory digests;
        for (uint256 i = 0; i < votes.length; i++) {
            uint8 option = votes[i].option;
            if (option > uint8(VoteOption.Abstain)) revert IChannelHub.ChannelHub_BadVote(option);
            if (digests[option] == 0) {
                bytes32 hash = ChannelSignatures.voteHash(subject.channel, proposalHash, option);
                digests[option] = MessageHashUtils.toTypedDataHash(subject.domain, hash);
            }
            address account = votes[i].member;
            (address expected, uint64 seat) = ChannelRoster.badgeOf(self.members[account]);
            if (seat == 0) revert IChannelHub.ChannelHub_NotMember(subject.channel, account);
            (address signer, , ) = ECDSA.tryRecoverCalldata(digests[option], votes[i].signature);
            if (signer != expected) revert IChannelHub.ChannelHub_BadSignature(expected, signer);
            if (ChannelRoster.votedIn(ballot) & seat != 0) continue;
            _cast(ballot, subject.channel, subject.proposal, account, seat, option);
        }
    }

    function _cast(
        Ballot memory ballot,
        uint256 channel,
        uint256 id,
        address account,
        uint64 seat,
        uint8 option
    ) private {
        if (ballot.electorate & seat == 0) revert IChannelHub.ChannelHub_NotMember(channel, account);
        if (option == uint8(VoteOption.For)) ballot.inFavour |= seat;
        else if (option == uint8(VoteOption.Against)) ballot.against |= seat;
        else if (option == uint8(VoteOption.Abstain)) ballot.abstained |= seat;
        else revert IChannelHub.ChannelHub_BadVote(option);
        // Votes that come with their settlement are in its transaction.
        if (id != 0) emit IChannelHub.Voted(channel, id, account, option);
    }

    /// @dev Lets a settlement pass, once, as soon as a quorum is for it and no other one is on its way; all votes end the
    /// window of one that passed.
    function _weigh(Channel storage self, uint256 channel, uint256 id, Ballot memory ballot) private {
        if (self.proposals[id].proposalType != ProposalType.Settlement || self.proposals[id].isFinal) return;
        uint256 settling = self.head.settling;
        if (settling == id || (settling == 0 && stateOf(self, id) == ProposalState.Proposed)) {
            if (_hasQuorum(self, ballot)) _pass(self, channel, id, ballot);
        }
        if (_isLost(self, ballot)) emit IChannelHub.ProposalRejected(channel, id);
    }

    /// @dev Writes a settlement down that has passed and cannot take effect yet.
    function _keep(
        Channel storage self,
        Settlement calldata settlement,
        bytes32 hash,
        Ballot memory ballot
    ) private returns (uint256 id) {
        id = ++self.counters.proposals;
        Proposal storage proposal = self.proposals[id];
        (proposal.proposer, proposal.proposalType) = (msg.sender, ProposalType.Settlement);
        (proposal.hash, proposal.ballot) = (hash, ballot);
        self.settlements[id] = settlement;
        emit IChannelHub.ProposalCreated(
            settlement.channel,
            id,
            ProposalType.Settlement,
            msg.sender,
            hash,
            abi.encode(settlement)
        );
        _pass(self, settlement.channel, id, ballot);
    }

    /// @dev Begins the window of what has a quorum, or ends it because enough are for it.
    function _pass(Channel storage self, uint256 channel, uint256 id, Ballot memory ballot) private {
        bool isPassed = self.head.settling == id;
        uint256 windowSeconds = _windowOf(self, ballot);
        if (isPassed && (windowSeconds != 0 || self.proposals[id].finalAt <= block.timestamp)) return;
        uint256 finalAt = block.timestamp + windowSeconds;
        self.proposals[id].finalAt = uint40(finalAt);
        self.head.settling = uint40(id);
        emit IChannelHub.ProposalPassed(channel, id, uint64(finalAt));
    }

    function _requireQuorum(Channel storage self, Ballot memory ballot) private view {
        if (_hasQuorum(self, ballot)) return;
        uint256 counted = ChannelRoster.count(self.countedToSettle(ballot));
        revert IChannelHub.ChannelHub_NoQuorum(ChannelRoster.count(self.inFavourOf(ballot)), counted);
    }

    /// @dev How long a settlement waits that has a quorum: not at all when all owners are for it. Those who are absent are
    /// asked too, they still own what is settled. So do those who joined since, and those who were banned and have no vote:
    /// until a settlement has let them go there is time to object, or one of two could ban the other one and take all at once.
    /// A channel without a window gives that time only where it took a ban or an absence to make a quorum.
    function _windowOf(Channel storage self, Ballot memory ballot) private view returns (uint256 windowSeconds) {
        uint64 owners = self.roster.seats;
        if (owners & ~ballot.inFavour == 0) return 0;
        windowSeconds = self.config.windowSeconds;
        if (windowSeconds != 0) return windowSeconds;
        bool isQuorumOfAll = Quorum.isReached(
            ChannelRoster.count(self.inFavourOf(ballot)),
            ChannelRoster.count(owners)
        );
        return isQuorumOfAll ? 0 : OBJECTION_SECONDS;
    }

    function _hasQuorum(Channel storage self, Ballot memory ballot) private view returns (bool) {
        uint64 counted = self.countedToSettle(ballot);
        uint256 inFavour = ChannelRoster.count(self.inFavourOf(ballot) & counted);
        return Quorum.isReached(inFavour, ChannelRoster.count(counted));
    }

    /// @dev Even if all who said nothing were for it, there would be no quorum.
    function _isLost(Channel storage self, Ballot memory ballot) private view returns (bool) {
        uint64 all = ballot.electorate & ~self.roster.banned;
        uint64 possible = all & ~ballot.against & ~ballot.abstained;
        return !Quorum.isReached(ChannelRoster.count(possible), ChannelRoster.count(all));
    }

    /// @dev Votes for a settlement that was voided are worth nothing in another transaction.
    function _requireNotVoid(Channel storage self, uint256 channel, bytes32 settlementHash) private view {
        if (self.counters.hasVoid && self.voided[settlementHash])
            revert IChannelHub.ChannelHub_Voided(channel, settlementHash);
    }

    function _requireVoting(Channel storage self, uint256 channel, uint256 id) private view {
        ProposalState now_ = _knownState(self, channel, id);
        if (self.head.frozen) revert IChannelChallenges.ChannelHub_Frozen(channel);
        if (now_ == ProposalState.Final || now_ == ProposalState.Rejected) {
            revert IChannelHub.ChannelHub_WrongState(channel, id, now_);
        }
    }

    function _requireState(Channel storage self, uint256 channel, uint256 id, ProposalState wanted) private view {
        ProposalState now_ = _knownState(self, channel, id);
        if (now_ != wanted) revert IChannelHub.ChannelHub_WrongState(channel, id, now_);
    }

    function _knownState(Channel storage self, uint256 channel, uint256 id) private view returns (ProposalState now_) {
        now_ = stateOf(self, id);
        if (now_ == ProposalState.None) revert IChannelHub.ChannelHub_UnknownProposal(channel, id);
    }

    function _proposalOf(
        Channel storage self,
        uint256 channel,
        uint256 id
    ) private view returns (Proposal memory proposal) {
        proposal = self.proposals[id];
        if (proposal.proposalType == ProposalType.None) {
            revert IChannelHub.ChannelHub_UnknownProposal(channel, id);
        }
    }
}
