// SPDX-License-Identifier: GPL-2.0
/*
 * cache [REQUESTS [SECONDS]]: a server's cache of rendered pages. A page that is too old is
 * rendered anew, the new page takes the place of the old in the map, and nothing deletes the old
 * one. (A std::unique_ptr in the map would.) Then it waits. For docs/comparison.md; built as
 * distributions build, without frame pointers.
 */
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include <unistd.h>

namespace web
{

struct Page {
	std::string title;
	char body[2000];
	int rendered_at;
};

class Renderer
{
      public:
	virtual ~Renderer() = default;
	virtual Page *render(const std::string &path, int now)
	{
		Page *page = new Page{ path, "", now };

		snprintf(page->body, sizeof(page->body), "<h1>%s</h1>", path.c_str());
		return page;
	}
};

class PageCache
{
      public:
	explicit PageCache(Renderer &renderer) : renderer_(renderer)
	{
	}

	const Page &get(const std::string &path, int now)
	{
		auto entry = pages_.find(path);

		if (entry == pages_.end() || now - entry->second->rendered_at > max_age)
			return *refresh(path, now);
		return *entry->second;
	}

      private:
	Page *refresh(const std::string &path, int now)
	{
		return pages_[path] = renderer_.render(path, now);
	}

	static constexpr int max_age = 100;
	Renderer &renderer_;
	std::map<std::string, Page *> pages_;
};

class Server
{
      public:
	__attribute__((noinline)) size_t handle(const std::string &path, int now)
	{
		return cache_.get(path, now).title.size();
	}

      private:
	Renderer renderer_;
	PageCache cache_{ renderer_ };
};

} // namespace web

int main(int argc, char **argv)
{
	const int nr_requests = argc > 1 ? atoi(argv[1]) : 10000;
	size_t nr_bytes = 0;
	web::Server server;

	for (int now = 0; now < nr_requests; now++)
		nr_bytes += server.handle("/page/" + std::to_string(now % 10), now);
	printf("%d requests, %zu bytes\n", nr_requests, nr_bytes);
	sleep(argc > 2 ? (unsigned int)atoi(argv[2]) : 0);
	return 0;
}
