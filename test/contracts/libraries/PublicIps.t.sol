// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PublicIps} from "../../../contracts/libraries/PublicIps.sol";
import {PublicIp, PublicIpView} from "../../../contracts/types/GridTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

/// @dev A pool against what is known of each IP: which contract has it, if the farm has it at all.
contract PublicIpsTest is SolidityTest {
    using PublicIps for PublicIps.Pool;

    uint256 private constant STEPS = 40;
    uint128 private constant IPS = 12;
    uint128 private constant BASE = (0xffff << 32) | 0x0a000000;
    uint256 private constant ABSENT = type(uint256).max;

    PublicIps.Pool private _pool;
    mapping(bytes16 ip => uint256 contractId) private _holder;
    uint256[] private _contracts;
    uint256 private _lastContract;

    /// @dev One IP, one contract; and the free ones are those that nobody has, whatever happened before.
    function testFuzzEveryIpHasOneHolder(uint256 seed) external {
        for (uint128 i = 0; i < IPS; i++) {
            _holder[_ip(i)] = ABSENT;
        }
        for (uint256 i = 0; i < STEPS; i++) {
            _step(uint256(keccak256(abi.encode(seed, i))));
            _checkPool();
        }
    }

    function testAddressesOfOneFamilyAreValid() external pure {
        _valid(_v4(10, 0, 0, 2), _v4(10, 0, 0, 1), 24, true);
        _valid(_v4(127, 0, 10, 1), _v4(127, 0, 0, 1), 8, true);
        _valid(_v4(255, 255, 255, 255), _v4(0, 0, 0, 1), 1, true);
        _valid(_v4(10, 0, 0, 2), _v4(10, 0, 0, 1), 32, true);
        _valid(_v4(10, 0, 0, 2), _v4(10, 0, 0, 1), 33, false);
        _valid(_v4(10, 0, 0, 2), _v4(10, 0, 0, 1), 0, false);
        _valid(_v4(10, 0, 0, 2), _v4(10, 0, 0, 2), 24, false);
        _valid(_v4(0, 0, 0, 0), _v4(10, 0, 0, 1), 24, false);
        _valid(_v4(10, 0, 0, 2), _v4(0, 0, 0, 0), 24, false);
        bytes16 v6 = bytes16(uint128(0x20010db8000000000000000000000001));
        bytes16 gateway = bytes16(uint128(0xfe800000000000000000000000000001));
        _valid(v6, gateway, 64, true);
        _valid(v6, gateway, 128, true);
        _valid(v6, gateway, 129, false);
        _valid(v6, gateway, 0, false);
        _valid(v6, v6, 64, false);
        _valid(v6, 0, 64, false);
        _valid(0, gateway, 64, false);
        _valid(v6, _v4(10, 0, 0, 1), 64, false);
        _valid(_v4(10, 0, 0, 1), gateway, 24, false);
    }

    function _step(uint256 roll) private {
        bytes16 ip = _ip(uint128((roll >> 8) % IPS));
        uint256 kind = roll & 3;
        if (kind == 0 || kind == 1) {
            if (_holder[ip] == ABSENT) _add(ip);
            else if (_holder[ip] == 0 && kind == 1) _remove(ip);
        } else if (kind == 2) {
            _reserve((roll >> 16) % (_pool.free + 1));
        } else if (_contracts.length != 0) {
            _release((roll >> 16) % _contracts.length);
        }
    }

    function _add(bytes16 ip) private {
        _pool.add(PublicIp({ip: ip, gateway: bytes16(uint128(ip) ^ 0xff00), prefix: 16}));
        _holder[ip] = 0;
    }

    function _remove(bytes16 ip) private {
        _pool.remove(ip);
        _holder[ip] = ABSENT;
    }

    function _reserve(uint256 count) private {
        uint256 contractId = ++_lastContract;
        bytes16[] memory ips = _pool.reserve(contractId, count);
        _equal(ips.length, count, "as many as asked for");
        for (uint256 i = 0; i < count; i++) {
            _equal(_holder[ips[i]], 0, "it was free");
            _holder[ips[i]] = contractId;
        }
        _contracts.push(contractId);
    }

    function _release(uint256 index) private {
        uint256 contractId = _contracts[index];
        bytes16[] memory ips = _pool.release(contractId);
        for (uint256 i = 0; i < ips.length; i++) {
            _equal(_holder[ips[i]], contractId, "it was the contract's");
            _holder[ips[i]] = 0;
        }
        _equal(_pool.reserved[contractId].length, 0, "nothing is left");
        _contracts[index] = _contracts[_contracts.length - 1];
        _contracts.pop();
    }

    function _checkPool() private view {
        uint256 free;
        uint256 known;
        for (uint128 i = 0; i < IPS; i++) {
            bytes16 ip = _ip(i);
            _check(_pool.contains(ip) == (_holder[ip] != ABSENT), "there or not");
            if (_holder[ip] == ABSENT) continue;
            known++;
            if (_holder[ip] == 0) free++;
        }
        _equal(_pool.list.length, known, "how many");
        _equal(_pool.free, free, "how many are free");
        for (uint256 i = 0; i < known; i++) {
            PublicIpView memory one = _pool.get(i);
            _equal(one.contractId, _holder[one.publicIp.ip], "whose it is");
            _check((one.contractId == 0) == (i < free), "the free ones first");
            _equal(_pool.entries[one.publicIp.ip].position, i + 1, "where it stands");
            _check(uint128(one.publicIp.gateway) == uint128(one.publicIp.ip) ^ 0xff00, "its gateway");
            _equal(one.publicIp.prefix, 16, "its prefix");
        }
    }

    function _valid(bytes16 ip, bytes16 gateway, uint8 prefix, bool expected) private pure {
        PublicIp memory publicIp = PublicIp({ip: ip, gateway: gateway, prefix: prefix});
        _check(PublicIps.isValid(publicIp) == expected, expected ? "valid" : "not valid");
    }

    function _ip(uint128 index) private pure returns (bytes16) {
        return bytes16(BASE + index);
    }

    function _v4(uint8 a, uint8 b, uint8 c, uint8 d) private pure returns (bytes16) {
        return bytes16((0xffff << 32) | (uint128(a) << 24) | (uint128(b) << 16) | (uint128(c) << 8) | d);
    }
}
