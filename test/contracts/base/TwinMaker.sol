// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Twins} from "../../../contracts/identity/Twins.sol";
import {SolidityTest} from "./Vm.sol";

/// @dev Makes twins of accounts whose keys a test has.
abstract contract TwinMaker is SolidityTest {
    /// @dev Registers an account whose message key is the public key of a private one.
    function _makeTwin(Twins twins, address actor, uint256 privateKey, bytes memory messageKey) internal {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("SPRF Twins"),
                keccak256("1"),
                block.chainid,
                address(twins)
            )
        );
        bytes32 ledgerKey = bytes32(privateKey);
        bytes32 message = keccak256(
            abi.encode(keccak256("TwinProof(address account,bytes32 ledgerKey,uint256 nonce)"), actor, ledgerKey, 0)
        );
        bytes memory proof = _sign(privateKey, keccak256(abi.encodePacked(hex"1901", domain, message)));
        VM.prank(actor);
        twins.register(messageKey, ledgerKey, proof);
    }

    function _sign(uint256 privateKey, bytes32 digest) internal returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(privateKey, digest);
        return abi.encodePacked(r, s, v);
    }
}
