// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {AnswerProof} from "../types/MarketTypes.sol";

/// @title A worker's answer to a request, as its message key signs it
/// @notice EIP-712: domain {name "SPRF", version "1"}, type `Answer` below. {ProgramRequest} gives its requestHash.
library SignedAnswer {
    bytes32 private constant DOMAIN_SEPARATOR = keccak256(
        abi.encode(keccak256("EIP712Domain(string name,string version)"), keccak256("SPRF"), keccak256("1"))
    );
    bytes32 private constant ANSWER_TYPEHASH = keccak256(
        "Answer(bytes32 requestHash,uint64 sequence,string previousState,string status,string outputCid,string newState,uint64 gas,string recordCid)"
    );

    /// @notice Address of the message key that signed the answer to this request.
    function signerOf(AnswerProof calldata proof, bytes32 hash) internal pure returns (address) {
        bytes32 structHash = keccak256(
            abi.encode(
                ANSWER_TYPEHASH,
                hash,
                proof.sequence,
                keccak256(bytes(proof.previousState)),
                keccak256(bytes(proof.status)),
                keccak256(bytes(proof.outputCid)),
                keccak256(bytes(proof.newState)),
                proof.gas,
                keccak256(bytes(proof.recordCid))
            )
        );
        return ECDSA.recover(MessageHashUtils.toTypedDataHash(DOMAIN_SEPARATOR, structHash), proof.signature);
    }
}
