// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {
    Ack,
    Batch,
    Call,
    JoinConsent,
    Punishment,
    SessionGrant,
    SessionRevoke,
    Settlement,
    SignedStanding
} from "../types/ChannelTypes.sol";

/// @title What is signed in channels
/// @notice EIP-712, domain {name "SPRF Channels", version "1", chainId, verifyingContract: the hub}. src/wire/channel has the
/// same types; test/vectors/channels has examples.
library ChannelSignatures {
    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant NAME_HASH = keccak256("SPRF Channels");
    bytes32 private constant VERSION_HASH = keccak256("1");

    bytes32 private constant CALL_TYPEHASH = keccak256(
        "Call(uint256 channel,address sender,uint64 nonce,uint64 gasLimit,uint64 validUntilMs,bytes data)"
    );
    bytes32 private constant SESSION_GRANT_TYPEHASH = keccak256(
        "SessionGrant(uint256 channel,address wallet,address key,bytes4[] functions,uint64 expiryMs)"
    );
    bytes32 private constant SESSION_REVOKE_TYPEHASH = keccak256(
        "SessionRevoke(uint256 channel,address wallet,address key,uint64 nonce)"
    );
    bytes32 private constant BATCH_TYPEHASH = keccak256(
        "Batch(uint256 channel,uint64 term,uint64 first,uint64 last,bytes32 recordsRoot)"
    );
    bytes32 private constant ACK_TYPEHASH = keccak256(
        "Ack(uint256 channel,uint64 term,uint64 height,bytes32 recordHash,uint64 certified)"
    );
    bytes32 private constant SETTLEMENT_TYPEHASH = keccak256(
        "Settlement(uint256 channel,uint64 fromHeight,uint64 toHeight,uint64 timeMs,bytes32 head,bytes32 recordsRoot,bytes32 stateRoot,bytes32 changesRoot,uint64 inboxCursor,uint8 mode)"
    );
    bytes32 private constant PUNISHMENT_TYPEHASH = keccak256(
        "Punishment(uint256 channel,uint64 term,address target,uint64 height,bytes32 recordHash,uint8 reason)"
    );
    bytes32 private constant VOTE_TYPEHASH = keccak256("Vote(uint256 channel,bytes32 proposalHash,uint8 option)");
    bytes32 private constant LEADER_CHANGE_TYPEHASH = keccak256(
        "LeaderChange(uint256 channel,uint64 term,address newLeader,uint64 certifiedTerm,uint64 certifiedHeight,uint64 head)"
    );
    bytes32 private constant JOIN_CONSENT_TYPEHASH = keccak256(
        "JoinConsent(uint256 channel,address app,address program,address member,address signer,address stakeSource,uint256 maxStake,uint64 deadline)"
    );

    /// @notice What is signed: a struct's hash in the domain of a hub on this chain.
    function digestOf(address hub, bytes32 structHash) internal view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domainOf(hub), structHash);
    }

    function domainOf(address hub) internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, hub));
    }

    function hash(Call memory self) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    CALL_TYPEHASH,
                    self.channel,
                    self.sender,
                    self.nonce,
                    self.gasLimit,
                    self.validUntilMs,
                    keccak256(self.data)
                )
            );
    }

    function hash(SessionGrant memory self) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    SESSION_GRANT_TYPEHASH,
                    self.channel,
                    self.wallet,
                    self.key,
                    // Arrays are packed in whole words.
                    keccak256(abi.encodePacked(self.functions)),
                    self.expiryMs
                )
            );
    }

    function hash(SessionRevoke memory self) internal pure returns (bytes32) {
        return keccak256(abi.encode(SESSION_REVOKE_TYPEHASH, self));
    }

    function hash(Batch memory self) internal pure returns (bytes32) {
        return keccak256(abi.encode(BATCH_TYPEHASH, self));
    }

    function hash(Ack memory self) internal pure returns (bytes32) {
        return keccak256(abi.encode(ACK_TYPEHASH, self));
    }

    function hash(Settlement memory self) internal pure returns (bytes32) {
        return keccak256(abi.encode(SETTLEMENT_TYPEHASH, self));
    }

    function hash(Punishment memory self) internal pure returns (bytes32) {
        return keccak256(abi.encode(PUNISHMENT_TYPEHASH, self));
    }

    function hash(JoinConsent memory self) internal pure returns (bytes32) {
        return keccak256(abi.encode(JOIN_CONSENT_TYPEHASH, self));
    }

    /// @param proposalHash Hash of the Settlement or Punishment, so that votes can be gathered before it is on the chain.
    function voteHash(uint256 channel, bytes32 proposalHash, uint8 option) internal pure returns (bytes32) {
        return keccak256(abi.encode(VOTE_TYPEHASH, channel, proposalHash, option));
    }

    function leaderChangeHash(
        uint256 channel,
        uint64 term,
        address newLeader,
        SignedStanding calldata standing
    ) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    LEADER_CHANGE_TYPEHASH,
                    channel,
                    term,
                    newLeader,
                    standing.certifiedTerm,
                    standing.certifiedHeight,
                    standing.head
                )
            );
    }
}
