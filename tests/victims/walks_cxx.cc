// SPDX-License-Identifier: GPL-2.0
/*
 * Allocates through operator new, containers and exceptions: where one is thrown, in destructors
 * that run while the stack is unwound, where it is caught, and where it is thrown on.
 */
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{

std::vector<std::unique_ptr<std::string>> kept;

__attribute__((noinline)) void keep(const char *name)
{
	kept.push_back(std::make_unique<std::string>(std::string(name) + " and more than fits in"));
}

struct Guard {
	const char *name;
	explicit Guard(const char *given) : name(given)
	{
		keep(name);
	}
	~Guard()
	{
		keep(name);
	}
};

struct Shape {
	virtual ~Shape() = default;
	virtual int area(int scale) = 0;
};

struct Square : Shape {
	std::vector<int> sides;
	__attribute__((noinline)) int area(int scale) override
	{
		sides.assign(static_cast<size_t>(scale), scale);
		if (scale > 5)
			throw std::runtime_error("a square that is much too large to be drawn");
		return sides.back();
	}
};

__attribute__((noinline)) int draw(Shape &shape, int scale)
{
	Guard guard("while the stack is unwound");

	return shape.area(scale) + static_cast<int>(kept.size() > 1000);
}

__attribute__((noinline)) int rethrow(Shape &shape, int scale)
{
	try {
		return draw(shape, scale);
	} catch (const std::runtime_error &error) {
		keep(error.what());
		throw;
	}
}

__attribute__((noinline)) int attempt(int scale)
{
	Square square;

	try {
		return rethrow(square, scale);
	} catch (const std::exception &error) {
		keep(error.what());
		return 0;
	}
}

Guard global("before main");

} // namespace

int main()
{
	std::map<std::string, std::function<int(int)>> steps;
	int sum = 0;

	for (int i = 0; i < 20; i++)
		steps["the name of a step: " + std::to_string(i)] = [i](int n) {
			keep("in a lambda");
			return attempt(1 + i % 9) + n;
		};
	for (auto &step : steps)
		sum += step.second(1);
	std::thread([&sum] { sum += attempt(9); }).join();
	return sum == 0;
}
