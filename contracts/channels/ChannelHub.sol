// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IChannelAbsence} from "../interfaces/IChannelAbsence.sol";
import {IChannelCourt} from "../interfaces/IChannelCourt.sol";
import {IChannelChallenges} from "../interfaces/IChannelChallenges.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {ChannelClaims} from "../libraries/ChannelClaims.sol";
import {ChannelDelegations} from "../libraries/ChannelDelegations.sol";
import {ChannelDemands} from "../libraries/ChannelDemands.sol";
import {ChannelExits} from "../libraries/ChannelExits.sol";
import {ChannelFaults} from "../libraries/ChannelFaults.sol";
import {ChannelMembership} from "../libraries/ChannelMembership.sol";
import {ChannelOpenings} from "../libraries/ChannelOpenings.sol";
import {ChannelPresence} from "../libraries/ChannelPresence.sol";
import {ChannelProposals} from "../libraries/ChannelProposals.sol";
import {ChannelSignatures} from "../libraries/ChannelSignatures.sol";
import {ChannelVerdicts} from "../libraries/ChannelVerdicts.sol";
import {ChannelViews} from "../libraries/ChannelViews.sol";
import {Conviction} from "../types/ChannelCourtTypes.sol";
import {Holding, HubState} from "../types/ChannelState.sol";
import {
    Asset,
    Call,
    Change,
    ChangePart,
    ChannelRules,
    ChannelView,
    Config,
    DataKind,
    DemandView,
    FreezeView,
    InboxEntry,
    JoinConsent,
    Label,
    MemberView,
    PeerDelay,
    ProposalAction,
    ProposalView,
    RecordData,
    RecordHeader,
    SettledHead,
    Settlement,
    SignedAck,
    SignedVote,
    SlotProof
} from "../types/ChannelTypes.sol";

/// @title Where channels begin, are settled and end, see {IChannelHub}
contract ChannelHub is IChannelHub, ReentrancyGuardTransient {
    uint256 private constant SELECTOR_BYTES = 4;

    IStakingPool private immutable POOL;
    address private immutable STORE;
    address private immutable VAULT;

    HubState private _state;

    modifier known(uint256 channel) {
        _requireKnown(channel);
        _;
    }

    modifier onlyApp(uint256 channel) {
        _requireKnown(channel);
        address app = _state.channels[channel].app;
        if (msg.sender != app) revert ChannelHub_NotApp(channel, app, msg.sender);
        _;
    }

    /// @param pool_ Is tied to this hub from now on.
    /// @param store A ChannelStore, which those of channels are clones of.
    /// @param vault A ChannelVault, which those of channels are clones of.
    /// @param court_ Is tied to this hub from now on.
    /// @param absence_ Is tied to this hub from now on.
    constructor(IStakingPool pool_, address store, address vault, IChannelCourt court_, IChannelAbsence absence_) {
        (POOL, STORE, VAULT) = (pool_, store, vault);
        pool_.attachHub();
        _state.court = address(court_);
        court_.attachHub();
        _state.absence = address(absence_);
        absence_.attachHub();
    }

    /// @inheritdoc IChannelHub
    function registerProgram(address program) external returns (bytes32 codeHash) {
        return ChannelOpenings.register(_state, program);
    }

    /// @inheritdoc IChannelHub
    function create(
        address program,
        bytes calldata initialState,
        Config calldata config,
        Label[] calldata labels
    ) external nonReentrant returns (uint256 channel) {
        ChannelOpenings.Originals memory originals = ChannelOpenings.Originals(STORE, VAULT);
        return ChannelOpenings.create(_state, originals, program, initialState, config, labels);
    }

    /// @inheritdoc IChannelHub
    function join(
        uint256 channel,
        address member,
        JoinConsent calldata consent,
        bytes calldata signature,
        Asset[] calldata assets
    ) external payable onlyApp(channel) nonReentrant returns (uint64 joinNumber) {
        ChannelMembership.Joining memory joining = ChannelMembership.Joining(channel, member, POOL, _domain());
        return ChannelMembership.join(_state, joining, consent, signature, assets);
    }

    /// @inheritdoc IChannelHub
    function leaveFor(uint256 channel, address member) external onlyApp(channel) nonReentrant {
        ChannelMembership.depart(_state, channel, member);
    }

    /// @inheritdoc IChannelHub
    function requestExit(uint256 channel) external known(channel) nonReentrant {
        ChannelMembership.depart(_state, channel, msg.sender);
    }

    /// @inheritdoc IChannelHub
    function leaveByRequest(uint256 channel, address member) external known(channel) nonReentrant {
        ChannelMembership.departByRequest(_state, channel, member);
    }

    /// @inheritdoc IChannelHub
    function leaveByProof(
        uint256 channel,
        address member,
        SlotProof calldata proof
    ) external known(channel) nonReentrant {
        ChannelMembership.departByProof(_state, channel, member, proof);
    }

    /// @inheritdoc IChannelHub
    function close(uint256 channel) external onlyApp(channel) nonReentrant {
        ChannelMembership.close(_state, channel);
    }

    /// @inheritdoc IChannelHub
    function closeByRequest(uint256 channel) external known(channel) nonReentrant {
        ChannelMembership.closeByRequest(_state, channel);
    }

    /// @inheritdoc IChannelHub
    function closeByProof(uint256 channel, SlotProof calldata proof) external known(channel) nonReentrant {
        ChannelMembership.closeByProof(_state, channel, proof);
    }

    /// @inheritdoc IChannelHub
    function forceCall(Call calldata userCall, bytes calldata signature) external known(userCall.channel) nonReentrant {
        ChannelMembership.forceCall(_state, userCall, signature);
    }

    /// @inheritdoc IChannelHub
    function keepAlive(uint256 channel, PeerDelay[] calldata delays) external known(channel) nonReentrant {
        ChannelMembership.keepAlive(_state, channel, delays);
    }

    /// @inheritdoc IChannelHub
    function delegate(uint256 channel, address candidate) external known(channel) nonReentrant {
        ChannelDelegations.delegate(_state, channel, candidate);
    }

    /// @inheritdoc IChannelHub
    function createProposal(
        uint256 channel,
        uint8 proposalType,
        bytes calldata data
    ) external known(channel) nonReentrant returns (uint256 proposal) {
        return ChannelProposals.create(_state, channel, proposalType, data);
    }

    /// @inheritdoc IChannelHub
    function vote(uint256 channel, uint256 proposal, uint8 option) external known(channel) nonReentrant {
        ChannelProposals.vote(_state, channel, proposal, option);
    }

    /// @inheritdoc IChannelHub
    function voteBySignatures(
        uint256 channel,
        uint256 proposal,
        SignedVote[] calldata votes
    ) external known(channel) nonReentrant {
        ChannelProposals.voteBySignatures(_state, _subject(channel, proposal), votes);
    }

    /// @inheritdoc IChannelHub
    function executeProposal(
        uint256 channel,
        uint256 proposal,
        Change[] calldata changes
    ) external known(channel) nonReentrant returns (ProposalAction memory action) {
        return ChannelProposals.execute(_state, _subject(channel, proposal), changes);
    }

    /// @inheritdoc IChannelHub
    function applyChanges(
        uint256 channel,
        uint256 proposal,
        bytes32[] calldata chunkHashes,
        uint256 first,
        Change[] calldata changes
    ) external known(channel) nonReentrant {
        ChannelProposals.applyPart(_state, _subject(channel, proposal), chunkHashes, first, changes);
    }

    /// @inheritdoc IChannelHub
    function refuteChanges(
        uint256 channel,
        uint256 proposal,
        bytes32[] calldata chunkHashes,
        uint256 index,
        Change[] calldata chunk
    ) external known(channel) nonReentrant {
        ChannelProposals.refuteChanges(_state, _subject(channel, proposal), chunkHashes, index, chunk);
    }

    /// @inheritdoc IChannelHub
    function settle(
        Settlement calldata settlement,
        Change[] calldata,
        SignedVote[] calldata
    ) external known(settlement.channel) nonReentrant returns (uint256 proposal) {
        return ChannelProposals.settle(_state, _subject(settlement.channel, 0), msg.data[SELECTOR_BYTES:]);
    }

    /// @inheritdoc IChannelHub
    function claim(
        uint256 channel,
        address member,
        bytes32 assetKey
    ) external known(channel) nonReentrant returns (uint256 amount) {
        return ChannelClaims.claim(_state, ChannelClaims.Claim(channel, member, assetKey, member));
    }

    /// @inheritdoc IChannelHub
    function claimTo(
        uint256 channel,
        bytes32 assetKey,
        address to
    ) external known(channel) nonReentrant returns (uint256 amount) {
        return ChannelClaims.claim(_state, ChannelClaims.Claim(channel, msg.sender, assetKey, to));
    }

    /// @inheritdoc IChannelHub
    function claimByProof(
        uint256 channel,
        address member,
        bytes32 assetKey,
        SlotProof calldata exits,
        SlotProof calldata owned
    ) external known(channel) nonReentrant returns (uint256 amount) {
        ChannelClaims.Claim memory self = ChannelClaims.Claim(channel, member, assetKey, member);
        return ChannelClaims.claimByProof(_state, self, exits, owned);
    }

    /// @inheritdoc IChannelHub
    function claimByProofTo(
        uint256 channel,
        bytes32 assetKey,
        address to,
        SlotProof calldata exits,
        SlotProof calldata owned
    ) external known(channel) nonReentrant returns (uint256 amount) {
        ChannelClaims.Claim memory self = ChannelClaims.Claim(channel, msg.sender, assetKey, to);
        return ChannelClaims.claimByProof(_state, self, exits, owned);
    }

    /// @inheritdoc IChannelHub
    function withdrawStake(uint256 channel, address to) external known(channel) nonReentrant returns (uint256 amount) {
        return ChannelClaims.withdrawStake(_state, channel, msg.sender, to);
    }

    /// @inheritdoc IChannelHub
    function materialise(
        uint256 channel,
        bytes32[] calldata slots,
        bytes32[] calldata values,
        SlotProof[] calldata proofs
    ) external known(channel) nonReentrant {
        ChannelClaims.materialise(_state, channel, slots, values, proofs);
    }

    /// @inheritdoc IChannelChallenges
    function proveHead(
        uint256 channel,
        uint256 proposal,
        RecordHeader calldata header,
        bytes32[] calldata proof
    ) external known(channel) nonReentrant {
        ChannelFaults.proveHead(_state, _accused(channel, proposal), header, proof);
    }

    /// @inheritdoc IChannelChallenges
    function proveChange(
        uint256 channel,
        uint256 proposal,
        ChangePart calldata part,
        uint256 index,
        SlotProof calldata before,
        SlotProof calldata after_
    ) external known(channel) nonReentrant {
        ChannelFaults.proveChange(_state, _accused(channel, proposal), part, index, before, after_);
    }

    /// @inheritdoc IChannelChallenges
    function proveOmission(
        uint256 channel,
        uint256 proposal,
        ChangePart calldata part,
        bytes32 slot,
        SlotProof calldata before,
        SlotProof calldata after_
    ) external known(channel) nonReentrant {
        ChannelFaults.proveOmission(_state, _accused(channel, proposal), part, slot, before, after_);
    }

    /// @inheritdoc IChannelChallenges
    function proveSkipped(
        uint256 channel,
        uint256 proposal,
        InboxEntry calldata entry
    ) external known(channel) nonReentrant {
        ChannelFaults.proveSkipped(_state, _accused(channel, proposal), entry);
    }

    /// @inheritdoc IChannelChallenges
    function demandData(
        uint256 channel,
        uint256 proposal,
        DataKind kind,
        uint64 first,
        uint64 last
    ) external payable known(channel) nonReentrant {
        ChannelDemands.demand(_state, ChannelDemands.Asked(channel, proposal, kind, first, last));
    }

    /// @inheritdoc IChannelChallenges
    function answerRecords(
        uint256 channel,
        uint256 proposal,
        address member,
        RecordData[] calldata records
    ) external known(channel) nonReentrant {
        ChannelDemands.answerRecords(_state, ChannelDemands.Subject(channel, proposal, member), records);
    }

    /// @inheritdoc IChannelChallenges
    function answerChanges(
        uint256 channel,
        uint256 proposal,
        address member,
        bytes32[] calldata chunkHashes,
        Change[] calldata changes
    ) external known(channel) nonReentrant {
        ChannelDemands.answerChanges(_state, ChannelDemands.Subject(channel, proposal, member), chunkHashes, changes);
    }

    /// @inheritdoc IChannelChallenges
    function resolveDemand(uint256 channel, uint256 proposal, address member) external known(channel) nonReentrant {
        ChannelDemands.resolve(_state, ChannelDemands.Subject(channel, proposal, member));
    }

    /// @inheritdoc IChannelChallenges
    function freeze(uint256 channel, InboxEntry calldata entry) external known(channel) nonReentrant {
        ChannelExits.freeze(_state, channel, entry);
    }

    /// @inheritdoc IChannelChallenges
    function bring(
        Settlement calldata settlement,
        RecordHeader calldata header,
        SignedAck[] calldata acks,
        Change[] calldata changes
    ) external known(settlement.channel) nonReentrant returns (uint256 proposal) {
        return ChannelExits.bring(_state, _domain(), settlement, header, acks, changes);
    }

    /// @inheritdoc IChannelChallenges
    function conclude(uint256 channel) external known(channel) nonReentrant {
        ChannelExits.conclude(_state, channel, POOL);
    }

    /// @inheritdoc IChannelChallenges
    function reclaim(uint256 channel, InboxEntry calldata entry) external known(channel) nonReentrant {
        ChannelClaims.reclaim(_state, channel, entry);
    }

    /// @inheritdoc IChannelChallenges
    function demandOf(
        uint256 channel,
        uint256 proposal,
        address member
    ) external view known(channel) returns (DemandView memory) {
        return ChannelDemands.demandOf(_state, ChannelDemands.Subject(channel, proposal, member));
    }

    /// @inheritdoc IChannelChallenges
    function freezeOf(uint256 channel) external view known(channel) returns (FreezeView memory) {
        return ChannelExits.freezeOf(_state, channel);
    }

    /// @inheritdoc IChannelHub
    function convict(Conviction calldata conviction) external nonReentrant {
        _requireCourt();
        ChannelVerdicts.convict(_state, conviction, POOL);
    }

    /// @inheritdoc IChannelHub
    function voidSettlement(uint256 channel, uint256 proposal) external nonReentrant {
        _requireCourt();
        ChannelVerdicts.voidSettlement(_state, channel, proposal);
    }

    /// @inheritdoc IChannelHub
    function setPresence(uint256 channel, address member, bool absent) external returns (uint64 entry) {
        _requireAbsence();
        return ChannelPresence.setPresence(_state, channel, member, absent);
    }

    /// @inheritdoc IChannelHub
    function setOffice(uint256 channel, uint64 term, address leader, bool isElected) external {
        _requireAbsence();
        ChannelPresence.setOffice(_state, channel, term, leader, isElected);
    }

    /// @inheritdoc IChannelHub
    function isQuorumAt(uint256 channel, uint64 cursor, address[] calldata members) external view returns (bool) {
        return ChannelPresence.isQuorumAt(_state, channel, cursor, members);
    }

    /// @inheritdoc IChannelHub
    function absence() external view returns (IChannelAbsence) {
        return IChannelAbsence(_state.absence);
    }

    /// @inheritdoc IChannelHub
    function court() external view returns (IChannelCourt) {
        return IChannelCourt(_state.court);
    }

    /// @inheritdoc IChannelHub
    function isConvicted(uint256 channel, address signer, uint64 term) external view returns (bool) {
        return _state.channels[channel].convicted[signer][term];
    }

    /// @inheritdoc IChannelHub
    function recordsRootOf(uint256 channel, uint256 proposal) external view returns (bytes32) {
        return _state.channels[channel].settlements[proposal].recordsRoot;
    }

    /// @inheritdoc IChannelHub
    function pool() external view returns (IStakingPool) {
        return POOL;
    }

    /// @inheritdoc IChannelHub
    function programHash(address program) external view returns (bytes32) {
        return _state.programs[program];
    }

    /// @inheritdoc IChannelHub
    function channelCount() external view returns (uint256) {
        return _state.channelCount;
    }

    /// @inheritdoc IChannelHub
    function channelOf(uint256 channel) external view known(channel) returns (ChannelView memory) {
        return ChannelViews.channelOf(_state, channel);
    }

    /// @inheritdoc IChannelHub
    function rulesOf(uint256 channel) external view known(channel) returns (ChannelRules memory) {
        return ChannelViews.rulesOf(_state, channel);
    }

    /// @inheritdoc IChannelHub
    function headOf(uint256 channel) external view known(channel) returns (SettledHead memory) {
        return ChannelViews.headOf(_state, channel);
    }

    /// @inheritdoc IChannelHub
    function getLabel(uint256 channel, bytes32 key) external view known(channel) returns (bytes32) {
        return _state.channels[channel].labels[key];
    }

    /// @inheritdoc IChannelHub
    function membersOf(uint256 channel) external view known(channel) returns (address[] memory) {
        return ChannelViews.membersOf(_state, channel);
    }

    /// @inheritdoc IChannelHub
    function memberOf(uint256 channel, address account) external view known(channel) returns (MemberView memory) {
        return ChannelViews.memberOf(_state, channel, account);
    }

    /// @inheritdoc IChannelHub
    function inboxHash(uint256 channel, uint64 index) external view known(channel) returns (bytes32) {
        return _state.channels[channel].inbox[index];
    }

    /// @inheritdoc IChannelHub
    function proposalCount(uint256 channel) external view known(channel) returns (uint256) {
        return _state.channels[channel].counters.proposals;
    }

    /// @inheritdoc IChannelHub
    function proposalOf(uint256 channel, uint256 proposal) external view known(channel) returns (ProposalView memory) {
        return ChannelViews.proposalOf(_state, channel, proposal);
    }

    /// @inheritdoc IChannelHub
    function assetOf(uint256 channel, bytes32 assetKey) external view known(channel) returns (Asset memory) {
        Holding memory holding = _state.channels[channel].holdings[assetKey];
        return Asset(holding.kind, holding.token, holding.id, holding.amount);
    }

    /// @inheritdoc IChannelHub
    function paidTo(uint256 channel, address member, bytes32 assetKey) external view known(channel) returns (uint256) {
        return _state.channels[channel].paid[member][assetKey];
    }

    /// @inheritdoc IChannelHub
    function creditOf(uint256 channel, address account) external view known(channel) returns (uint256) {
        return _state.channels[channel].credits[account];
    }

    function _subject(uint256 channel, uint256 proposal) private view returns (ChannelProposals.Subject memory) {
        return ChannelProposals.Subject(channel, proposal, POOL, _domain());
    }

    function _accused(uint256 channel, uint256 proposal) private view returns (ChannelFaults.Accused memory) {
        return ChannelFaults.Accused(channel, proposal, POOL);
    }

    function _domain() private view returns (bytes32) {
        return ChannelSignatures.domainOf(address(this));
    }

    function _requireCourt() private view {
        if (msg.sender != _state.court) revert ChannelHub_NotTheCourt(_state.court, msg.sender);
    }

    function _requireAbsence() private view {
        if (msg.sender != _state.absence) revert ChannelHub_NotTheAbsence(_state.absence, msg.sender);
    }

    function _requireKnown(uint256 channel) private view {
        // Every channel has an app.
        if (_state.channels[channel].app == address(0)) revert ChannelHub_UnknownChannel(channel);
    }
}
