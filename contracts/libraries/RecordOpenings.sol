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

/// @title Who answers for a record
/// @notice Whoever has signed it, whether or not the members had elected it: nobody but a leader signs records, and none that is
/// honest a false one. Or a settlement that has it among its records.
library RecordOpenings {
    /// @dev An opened record.
    struct Opened {
        RecordHeader header;
        bytes32 recordHash;
        // Zero for a record of a settlement.
        address signer;
        // Zero for a record that was signed.
        uint256 proposal;
    }

    /// @notice Opens a record of a batch or of a settlement.
    /// @dev Reverts with _NotSigned, with _NoHeight for record 0, which nobody signs, with _WrongRoot for a record that the
    /// settlement has not.
    function open(Opening calldata self, IChannelHub hub) internal view returns (Opened memory opened) {
        return open(self, hub, ChannelSignatures.domainOf(address(hub)));
    }

    /// @notice The same in a domain that is known.
    function open(Opening calldata self, IChannelHub hub, bytes32 domain) internal view returns (Opened memory opened) {
        RecordHeader memory header = self.header;
        bytes32 recordHash = RecordHash.hash(header);
        (opened.header, opened.recordHash, opened.proposal) = (header, recordHash, self.proposal);
        bytes32 recordsRoot = MerkleProof.processProofCalldata(self.proof, recordHash);
        if (self.proposal != 0) {
            bytes32 expected = hub.recordsRootOf(header.channel, self.proposal);
            if (recordsRoot != expected) revert IChannelCourt.ChannelCourt_WrongRoot(expected, recordsRoot);
            return opened;
        }
        if (header.height == 0 || header.height < self.first || header.height > self.last) {
            revert IChannelCourt.ChannelCourt_NoHeight(header.height, self.first, self.last);
        }
        Batch memory batch = Batch(header.channel, header.term, self.first, self.last, recordsRoot);
        bytes32 digest = MessageHashUtils.toTypedDataHash(domain, ChannelSignatures.hash(batch));
        (opened.signer, , ) = ECDSA.tryRecoverCalldata(digest, self.signature);
        if (opened.signer == address(0)) revert IChannelCourt.ChannelCourt_NotSigned();
    }

    /// @notice Reverts unless `before` is the record that another one names as the one before it. Nobody needs to have signed
    /// it: whoever signed the other one has said that it follows this.
    /// @dev Reverts with _NotBefore.
    function requireBefore(RecordHeader memory header, RecordHeader memory before) internal pure {
        bytes32 actual = RecordHash.hash(before);
        if (actual != header.previous) revert IChannelCourt.ChannelCourt_NotBefore(header.previous, actual);
    }
}
