// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IChannelCourt} from "../interfaces/IChannelCourt.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Opening} from "../types/ChannelCourtTypes.sol";
import {Batch, RecordHeader} from "../types/ChannelTypes.sol";
import {ChannelSignatures} from "./ChannelSignatures.sol";
import {RecordHash} from "./RecordHash.sol";

/// @title That a term's leader has signed a record
library RecordOpenings {
    /// @notice Reverts unless the leader of the record's term has signed it.
    /// @return header The record, in memory.
    /// @return recordHash Its hash.
    /// @dev Reverts with _NotSigned, and with _NoHeight for record 0, which nobody signs.
    function open(
        Opening calldata self,
        IChannelHub hub
    ) internal view returns (RecordHeader memory header, bytes32 recordHash) {
        header = self.header;
        address leader = hub.termOf(header.channel, header.term).signer;
        recordHash = _require(self, header, ChannelSignatures.domainOf(address(hub)), leader);
    }

    /// @notice The same for two records of one term; of different terms, `isOne` is false and the second one was not looked at.
    function openTwo(
        Opening calldata one,
        Opening calldata two,
        IChannelHub hub
    )
        internal
        view
        returns (
            RecordHeader memory first,
            bytes32 firstHash,
            RecordHeader memory second,
            bytes32 secondHash,
            bool isOne
        )
    {
        (first, second) = (one.header, two.header);
        bytes32 domain = ChannelSignatures.domainOf(address(hub));
        address leader = hub.termOf(first.channel, first.term).signer;
        firstHash = _require(one, first, domain, leader);
        isOne = first.channel == second.channel && first.term == second.term;
        if (isOne) secondHash = _require(two, second, domain, leader);
    }

    /// @notice Reverts unless `before` is the record that another one names as the one before it. Nobody needs to have signed
    /// it: whoever signed the other one has said that it follows this.
    /// @dev Reverts with _NotBefore.
    function requireBefore(RecordHeader memory header, RecordHeader memory before) internal pure {
        bytes32 actual = RecordHash.hash(before);
        if (actual != header.previous) revert IChannelCourt.ChannelCourt_NotBefore(header.previous, actual);
    }

    function _require(
        Opening calldata self,
        RecordHeader memory header,
        bytes32 domain,
        address leader
    ) private pure returns (bytes32 recordHash) {
        if (header.height == 0 || header.height < self.first || header.height > self.last) {
            revert IChannelCourt.ChannelCourt_NoHeight(header.height, self.first, self.last);
        }
        recordHash = RecordHash.hash(header);
        bytes32 recordsRoot = MerkleProof.processProofCalldata(self.proof, recordHash);
        Batch memory batch = Batch(header.channel, header.term, self.first, self.last, recordsRoot);
        bytes32 digest = MessageHashUtils.toTypedDataHash(domain, ChannelSignatures.hash(batch));
        (address signer, , ) = ECDSA.tryRecoverCalldata(digest, self.signature);
        if (signer == address(0) || signer != leader) {
            revert IChannelCourt.ChannelCourt_NotSigned(header.channel, header.term, leader, signer);
        }
    }
}
