// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IChannelChallenges} from "../interfaces/IChannelChallenges.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IChannelVault} from "../interfaces/IChannelVault.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {Channel, Holding, HubState, Member} from "../types/ChannelState.sol";
import {
    Asset,
    AssetKind,
    Call,
    InboxKind,
    JoinConsent,
    PeerDelay,
    SettlementMode,
    SlotProof
} from "../types/ChannelTypes.sol";
import {ChannelInbox} from "./ChannelInbox.sol";
import {ChannelLimits} from "./ChannelLimits.sol";
import {ChannelRoster} from "./ChannelRoster.sol";
import {ChannelSignatures} from "./ChannelSignatures.sol";
import {ChannelSlots} from "./ChannelSlots.sol";
import {ChannelTime} from "./ChannelTime.sol";
import {StateTree} from "./StateTree.sol";

/// @title How members come and go
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelMembership {
    using ChannelInbox for Channel;
    using ChannelRoster for Channel;

    /// @dev Of a call: 65 bytes, and the functions of a session key.
    uint256 private constant MAX_SIGNATURE_BYTES = 4_096;

    /// @dev Who joins, and how.
    struct Joining {
        uint256 channel;
        address member;
        IStakingPool pool;
        bytes32 domain;
    }

    /// @notice See `IChannelHub.join`.
    function join(
        HubState storage state,
        Joining calldata joining,
        JoinConsent calldata consent,
        bytes calldata signature,
        Asset[] calldata assets
    ) external returns (uint64 joinNumber) {
        Channel storage self = state.channels[joining.channel];
        _requireOpen(self, joining.channel);
        _useConsent(state, self, joining, consent, signature);
        _requireMayJoin(self, joining, consent.signer);
        joinNumber = _seat(self, joining, consent.signer);
        uint256 valueWei = _stake(self, joining, consent);
        _announce(self, joining, consent, joinNumber, _takeAssets(self, valueWei, assets));
        if (self.office.leader == address(0)) self.startTerm(joining.channel, joining.member);
    }

    /// @notice See `IChannelHub.leaveFor` and `IChannelHub.requestExit`.
    function depart(HubState storage state, uint256 channel, address account) external {
        _depart(state.channels[channel], channel, account);
    }

    /// @notice See `IChannelHub.leaveByRequest`.
    function departByRequest(HubState storage state, uint256 channel, address account) external {
        Channel storage self = state.channels[channel];
        _requireStored(self, channel, account);
        _depart(self, channel, account);
    }

    /// @notice See `IChannelHub.leaveByProof`.
    function departByProof(
        HubState storage state,
        uint256 channel,
        address account,
        SlotProof calldata proof
    ) external {
        Channel storage self = state.channels[channel];
        _requireProven(self, channel, account, proof);
        _depart(self, channel, account);
    }

    /// @notice See `IChannelHub.close`.
    function close(HubState storage state, uint256 channel) external {
        _close(state.channels[channel], channel);
    }

    /// @notice See `IChannelHub.closeByRequest`.
    function closeByRequest(HubState storage state, uint256 channel) external {
        Channel storage self = state.channels[channel];
        _requireStored(self, channel, address(0));
        _close(self, channel);
    }

    /// @notice See `IChannelHub.closeByProof`.
    function closeByProof(HubState storage state, uint256 channel, SlotProof calldata proof) external {
        Channel storage self = state.channels[channel];
        _requireProven(self, channel, address(0), proof);
        _close(self, channel);
    }

    /// @notice See `IChannelHub.forceCall`.
    function forceCall(HubState storage state, Call calldata userCall, bytes calldata signature) external {
        Channel storage self = state.channels[userCall.channel];
        _requireOpen(self, userCall.channel);
        bool isLong = userCall.data.length > ChannelLimits.CALLDATA_BYTES || signature.length > MAX_SIGNATURE_BYTES;
        if (isLong) revert IChannelHub.ChannelHub_BadCall(userCall.channel);
        self.add(userCall.channel, InboxKind.ForcedCall, userCall.sender, abi.encode(userCall, signature));
    }

    /// @notice See `IChannelHub.keepAlive`.
    function keepAlive(HubState storage state, uint256 channel, PeerDelay[] calldata delays) external {
        if (delays.length > ChannelLimits.MEMBERS) revert IChannelHub.ChannelHub_TooMany(ChannelLimits.MEMBERS);
        (address account, Member storage member) = state.channels[channel].requireMember(channel, msg.sender);
        member.lastAliveMs = ChannelTime.nowMs();
        emit IChannelHub.KeptAlive(channel, account, delays);
    }

    function _depart(Channel storage self, uint256 channel, address account) private {
        if (self.head.closed) revert IChannelHub.ChannelHub_Closed(channel);
        if (self.head.frozen) revert IChannelChallenges.ChannelHub_Frozen(channel);
        Member storage member = self.members[account];
        if (!ChannelRoster.isIn(member)) revert IChannelHub.ChannelHub_NotMember(channel, account);
        if (member.leftAt != 0) revert IChannelHub.ChannelHub_AlreadyLeaving(channel, account);
        member.leftAt = self.add(channel, InboxKind.Leave, account, "");
        self.roster.leaving |= ChannelRoster.bit(member.seat);
        self.reweigh(member.leftAt);
        if (self.office.leader == account) self.startTerm(channel, self.eldest(account));
    }

    function _close(Channel storage self, uint256 channel) private {
        _requireOpen(self, channel);
        self.counters.closeAt = self.add(channel, InboxKind.Close, msg.sender, "");
        // Nobody is there who could settle it.
        if (self.roster.seats != 0) return;
        self.head.closed = true;
        emit IChannelHub.ChannelClosed(channel);
    }

    /// @dev The program asks for it in the store. Asked of the vault, because the store takes what the hub says for changes.
    function _requireStored(Channel storage self, uint256 channel, address account) private view {
        if (self.config.mode != SettlementMode.Slots) revert IChannelHub.ChannelHub_WrongMode(channel);
        _requireKnowing(self, channel, account);
        if (!IChannelVault(self.vault).isRequested(self.store, account)) {
            revert IChannelHub.ChannelHub_NotRequested(channel, account);
        }
    }

    /// @dev The program asks for it under the settled root.
    function _requireProven(
        Channel storage self,
        uint256 channel,
        address account,
        SlotProof calldata proof
    ) private view {
        _requireKnowing(self, channel, account);
        if (StateTree.valueOf(self.head.stateRoot, ChannelSlots.requestSlot(account), proof) == 0) {
            revert IChannelHub.ChannelHub_NotRequested(channel, account);
        }
    }

    /// @dev The settled state is whole, and knows that the account joined: with that, older requests are gone.
    function _requireKnowing(Channel storage self, uint256 channel, address account) private view {
        if (self.head.locked) revert IChannelHub.ChannelHub_Locked(channel);
        if (self.members[account].joinedAt > self.head.inboxCursor) {
            revert IChannelHub.ChannelHub_NotRequested(channel, account);
        }
    }

    function _requireOpen(Channel storage self, uint256 channel) private view {
        if (self.head.closed || self.counters.closeAt != 0) revert IChannelHub.ChannelHub_Closed(channel);
        if (self.head.frozen) revert IChannelChallenges.ChannelHub_Frozen(channel);
    }

    function _useConsent(
        HubState storage state,
        Channel storage self,
        Joining calldata joining,
        JoinConsent calldata consent,
        bytes calldata signature
    ) private {
        bool isForThis =
            consent.channel == joining.channel &&
                consent.app == msg.sender &&
                consent.program == self.program &&
                consent.member == joining.member &&
                consent.signer != address(0) &&
                (consent.stakeSource == address(0) || consent.stakeSource == address(joining.pool));
        if (!isForThis) revert IChannelHub.ChannelHub_BadConsent(joining.channel, joining.member);
        if (block.timestamp > consent.deadline) {
            revert IChannelHub.ChannelHub_ConsentExpired(consent.deadline, block.timestamp);
        }
        bytes32 digest = MessageHashUtils.toTypedDataHash(joining.domain, ChannelSignatures.hash(consent));
        if (state.consents[digest]) revert IChannelHub.ChannelHub_ConsentUsed(digest);
        state.consents[digest] = true;
        if (!SignatureChecker.isValidSignatureNow(joining.member, digest, signature)) {
            revert IChannelHub.ChannelHub_BadSignature(joining.member, address(0));
        }
    }

    function _requireMayJoin(Channel storage self, Joining calldata joining, address signer) private view {
        uint256 channel = joining.channel;
        Member storage member = self.members[joining.member];
        if (ChannelRoster.isIn(member)) revert IChannelHub.ChannelHub_AlreadyMember(channel, joining.member);
        if (ChannelTime.nowMs() < member.bannedUntilMs) {
            revert IChannelHub.ChannelHub_Banned(channel, joining.member, member.bannedUntilMs);
        }
        if (self.accountOf[signer] != address(0)) revert IChannelHub.ChannelHub_SignerTaken(channel, signer);
        uint256 max = self.config.maxMembers;
        if (ChannelRoster.count(self.roster.seats) >= max) revert IChannelHub.ChannelHub_Full(channel, max);
    }

    /// @dev Gives a member the lowest free seat; there is one, since a channel has no more members than seats.
    function _seat(Channel storage self, Joining calldata joining, address signer) private returns (uint64 joinNumber) {
        Member storage member = self.members[joining.member];
        uint64 seats = self.roster.seats;
        uint8 seat = uint8(ChannelRoster.lowest(~seats));
        joinNumber = ++self.counters.joins;
        self.roster.seats = seats | ChannelRoster.bit(seat);
        self.seated[seat] = joining.member;
        // Who had the seat before may have left without having come back.
        if (self.absent & ChannelRoster.bit(seat) != 0) self.absent &= ~ChannelRoster.bit(seat);
        self.accountOf[signer] = joining.member;
        (member.signer, member.joinNumber, member.seat, member.gone) = (signer, joinNumber, seat, false);
        (member.leftAt, member.lastAliveMs) = (0, ChannelTime.nowMs());
    }

    /// @return valueWei The part of the stake that comes with the call.
    function _stake(
        Channel storage self,
        Joining calldata joining,
        JoinConsent calldata consent
    ) private returns (uint256 valueWei) {
        uint256 stakeWei = self.config.stakeWei;
        if (stakeWei > consent.maxStake) revert IChannelHub.ChannelHub_StakeTooHigh(consent.maxStake, stakeWei);
        bool pooled = consent.stakeSource != address(0) && stakeWei != 0;
        Member storage member = self.members[joining.member];
        (member.pooled, member.stakeWei) = (pooled, stakeWei);
        if (!pooled) return stakeWei;
        joining.pool.reserve(joining.member, joining.channel, stakeWei);
    }

    /// @dev Tells the channel, and everybody.
    function _announce(
        Channel storage self,
        Joining calldata joining,
        JoinConsent calldata consent,
        uint64 joinNumber,
        Asset[] memory received
    ) private {
        address account = joining.member;
        bytes memory data = abi.encode(consent.signer, joinNumber, received);
        uint64 index = self.add(joining.channel, InboxKind.Join, account, data);
        (self.members[account].joinedAt, self.roster.newestJoinAt) = (index, index);
        self.reweigh(index);
        emit IChannelHub.MemberJoined(
            joining.channel,
            account,
            consent.signer,
            joinNumber,
            consent.stakeSource,
            self.members[account].stakeWei,
            received
        );
    }

    /// @dev Ether comes with the call, tokens into the vault from the app.
    /// @return received The assets with what of each came in.
    function _takeAssets(
        Channel storage self,
        uint256 stakeWei,
        Asset[] calldata assets
    ) private returns (Asset[] memory received) {
        if (assets.length > ChannelLimits.ASSETS) revert IChannelHub.ChannelHub_BadAssets();
        received = assets;
        uint256 valueWei = stakeWei;
        for (uint256 i = 0; i < assets.length; i++) {
            bytes32 assetKey = _requireNew(received, i);
            if (assets[i].kind == AssetKind.Ether) valueWei += assets[i].amount;
            else received[i].amount = IChannelVault(self.vault).take(assets[i], msg.sender);
            _hold(self.holdings[assetKey], received[i]);
        }
        if (msg.value != valueWei) revert IChannelHub.ChannelHub_WrongValue(valueWei, msg.value);
        if (valueWei != 0) IChannelVault(self.vault).fund{value: valueWei}();
    }

    /// @dev No asset comes twice, and ether is what it must be.
    function _requireNew(Asset[] memory assets, uint256 i) private pure returns (bytes32 assetKey) {
        Asset memory asset = assets[i];
        bool isEther = asset.token == address(0);
        if (isEther != (asset.kind == AssetKind.Ether) || asset.amount == 0 || (isEther && asset.id != 0)) {
            revert IChannelHub.ChannelHub_BadAssets();
        }
        for (uint256 j = 0; j < i; j++) {
            bool isSame = assets[j].token == asset.token && assets[j].id == asset.id;
            if (isSame) revert IChannelHub.ChannelHub_BadAssets();
        }
        return keccak256(abi.encode(asset.token, asset.id));
    }

    function _hold(Holding storage holding, Asset memory asset) private {
        bool isKnown = holding.token != address(0) || holding.amount != 0;
        if (isKnown && holding.kind != asset.kind) revert IChannelHub.ChannelHub_BadAssets();
        (holding.kind, holding.token, holding.id) = (asset.kind, asset.token, asset.id);
        holding.amount += asset.amount;
    }
}
