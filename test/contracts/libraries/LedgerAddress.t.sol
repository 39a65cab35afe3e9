// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LedgerAddress} from "../../../contracts/libraries/LedgerAddress.sol";
import {SolidityTest} from "../base/Vm.sol";

contract LedgerAddressTest is SolidityTest {
    /// @dev As StrKey of @stellar/stellar-sdk writes them; the third is the example of SEP-23.
    function testKnownAddresses() external pure {
        _is(bytes32(0), "GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF");
        _is(bytes32(type(uint256).max), "GD7777777777777777777777777777777777777777777777777773DB");
        _is(
            0x3f0c34bf93ad0d9971d04ccc90f705511c838aad9734a4a2fb0d7a03fc7fe89a,
            "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
        );
        _is(
            0x8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c,
            "GCFIRY65OQE7DFP5KLNS2PF2LVZMUZYJX4OZIEQ36N2IQANUB5XVYOJR"
        );
        _is(
            0x8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394,
            "GCATS5YOVB6ROX2WUNKGNQ2MP3GMXDMKSG2O4N5CLX3A6W4PZGZZI55U"
        );
        _is(
            0xed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1,
            "GDWUSKGGFDI4FRXK5EBTRECZSVQSSWJHHJOGH6JWG3AUMFFMQ435DIAG"
        );
    }

    function _is(bytes32 key, string memory expected) private pure {
        _check(keccak256(LedgerAddress.encode(key)) == keccak256(bytes(expected)), expected);
    }
}
